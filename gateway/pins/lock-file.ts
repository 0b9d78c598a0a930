/**
 * The text of a lock file: JSON with comments, members in one order, one line each, so that versions of it can be compared
 * and merged. Read whole or not at all; each entry must be what its fingerprint says. Touches no disk.
 */
import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { canonicalJson, isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { PinnedTool } from '../../core/pin.ts';
import { printableLines } from '../../core/text.ts';
import { fingerprint, reviewedParts } from '../../core/tool.ts';

export type PinnedTools = ReadonlyMap<string, PinnedTool>;

const VERSION = 1;
const HEADER = `// signalbox.lock: what was reviewed of each tool, by "server/tool". Keep it in version control.
// Written by "signalbox pins approve" and "signalbox pins reject"; see docs/pins.md.
`;

export function formatLockFile(tools: PinnedTools): string {
  const entries = [...tools].sort(([a], [b]) => (a < b ? -1 : 1)).map(([ref, { fingerprint: hash, reviewed }]) => [ref, { fingerprint: hash, reviewed: sorted(reviewed) }] as const);
  return `${HEADER}${printableLines(JSON.stringify({ version: VERSION, tools: Object.fromEntries(entries) }, null, 2))}\n`;
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value) || JSON.isRawJSON(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key] as JsonValue)]));
}

/** Says in words, with the line, what is wrong. */
export class BrokenLock extends Error {
  override readonly name = 'BrokenLock';
}

/** @throws BrokenLock */
export function parseLockFile(text: string): PinnedTools {
  const errors: ParseError[] = [];
  const line = (offset: number): string => `line ${text.slice(0, offset).split('\n').length}`;
  try {
    const tree = parseTree(text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first !== undefined || tree === undefined) throw new BrokenLock(`${line(first?.offset ?? 0)}: this is not valid JSON (${first === undefined ? 'it is empty' : printParseErrorCode(first.error)})`);
    return toolsOf(valueOf(tree, text, line));
  } catch (error) {
    if (error instanceof RangeError) throw new BrokenLock('it is nested too deep');
    throw error;
  }
}

/** Numbers keep their text where a double would lose it, as in what servers send. */
function valueOf(node: Node, text: string, line: (offset: number) => string): JsonValue {
  if (node.type === 'array') return (node.children ?? []).map((item) => valueOf(item, text, line));
  if (node.type === 'number') {
    const source = text.slice(node.offset, node.offset + node.length);
    return String(node.value) === source ? (node.value as number) : (JSON.rawJSON(source) as unknown as JsonValue);
  }
  if (node.type !== 'object') return node.value as JsonValue;
  const members = new Map<string, JsonValue>();
  for (const { children: [key, value] = [] } of node.children ?? []) {
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    if (members.has(name)) throw new BrokenLock(`${line(key.offset)}: the key ${JSON.stringify(name)} is there twice`);
    members.set(name, valueOf(value, text, line));
  }
  return Object.fromEntries(members);
}

function toolsOf(file: JsonValue): PinnedTools {
  if (!isJsonObject(file)) throw new BrokenLock('expected an object');
  if (own(file, 'version') !== VERSION) throw new BrokenLock(`expected "version": ${VERSION}, found ${JSON.stringify(own(file, 'version'))}`);
  const tools = own(file, 'tools');
  if (!isJsonObject(tools)) throw new BrokenLock('expected an object "tools"');
  return new Map(Object.entries(tools).map(([ref, entry]) => [ref, pinnedTool(ref, entry)]));
}

function pinnedTool(ref: string, entry: JsonValue): PinnedTool {
  const [hash, reviewed] = isJsonObject(entry) ? [own(entry, 'fingerprint'), own(entry, 'reviewed')] : [];
  if (typeof hash !== 'string' || !isJsonObject(reviewed)) throw new BrokenLock(`${JSON.stringify(ref)}: expected "fingerprint" and "reviewed"`);
  // A merge by hand can leave parts of two reviews, and no person has seen that.
  const isWhole = fingerprint(reviewed) === hash && canonicalJson(reviewedParts(reviewed)) === canonicalJson(reviewed);
  if (!isWhole) throw new BrokenLock(`${JSON.stringify(ref)}: its fingerprint is not that of what stands under "reviewed"; review the tool again`);
  return { fingerprint: hash, reviewed };
}

export const pinOf = (definition: JsonObject): PinnedTool => ({ fingerprint: fingerprint(definition), reviewed: reviewedParts(definition) });
