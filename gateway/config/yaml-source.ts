/**
 * YAML 1.2 into a value with positions. Refuses what makes YAML surprising (custom tags, merge keys, keys that are not
 * text) and bounds what makes it dangerous (aliases that multiply, depth). The library's own messages are not passed
 * on, since some quote the text, and the text may hold a secret.
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair, type YAMLError } from 'yaml';
import type { Path } from './problem.ts';
import { DUPLICATE_KEY, FORBIDDEN_KEY, isForbiddenKey, MAX_ALIAS_NODES, MAX_DEPTH, TOO_DEEP } from './source.ts';
import type { SourceFault, SourceTree, Spot } from './source.ts';

const SYNTAX: Readonly<Partial<Record<YAMLError['code'], readonly [message: string, hint?: string]>>> = {
  TAB_AS_INDENT: ['a tab is used as indentation', 'YAML is indented with spaces only.'],
  MULTIPLE_DOCS: ['a second document begins here', 'Keep one document in the file: remove the "---" line and what follows.'],
  BAD_INDENT: ['the indentation does not fit, or a bracket is not closed', 'Members of one block start in the same column.'],
  BLOCK_AS_IMPLICIT_KEY: ['a second "key:" stands on one line', 'Put it on a line of its own, or put text that holds ": " in quotes.'],
  MULTILINE_IMPLICIT_KEY: ['a key is spread over lines, or its ":" is missing', 'Write "key: value" with a space after the colon.'],
  MISSING_CHAR: ['a character is missing: a closing quote or bracket, a comma, or the space after a colon'],
  BAD_SCALAR_START: ['text cannot start with this character', 'Put it in quotes.'],
  BAD_DQ_ESCAPE: ['this is no escape sequence', 'In double quotes a backslash is written twice; in single quotes it stands for itself.'],
  BAD_ALIAS: ['"*" starts an alias, and this is none', 'Put the text in quotes.'],
  UNEXPECTED_TOKEN: ['something stands here that does not belong', 'Look for a missing quote, colon or bracket just before it.'],
  RESOURCE_EXHAUSTION: [TOO_DEEP],
  BAD_DIRECTIVE: ['this "%" directive is not known', 'Remove the line.'],
};

const PLAIN_TAGS = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

interface Walk {
  readonly document: Document;
  readonly faults: SourceFault[];
  /** Anchored nodes being expanded, to notice one that holds itself. */
  readonly open: Set<Node>;
  aliasNodes: number;
}

export function parseYaml(text: string): SourceTree {
  // Duplicate keys are looked for below: the library compares each key with each other one.
  // A log level of "silent" would also silence a second document.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error', merge: false });
  const root: Spot = { key: 0, value: document.contents?.range?.[0] ?? 0, children: new Map() };
  if (document.errors.length > 0) return { value: undefined, root, faults: syntaxFaults(document.errors) };
  const walk: Walk = { document, faults: [], open: new Set(), aliasNodes: 0 };
  const value = valueOf(walk, document.contents, [], root, false);
  return { value, root, faults: walk.faults };
}

/** The first one only: what follows a syntax error is mostly its echo. */
function syntaxFaults(errors: readonly YAMLError[]): SourceFault[] {
  const first = errors.reduce((a, b) => (b.pos[0] < a.pos[0] ? b : a));
  const [message, hint] = SYNTAX[first.code] ?? ['this is not valid YAML'];
  return [{ offset: first.pos[0], path: [], message, ...(hint === undefined ? {} : { hint }) }];
}

function fault(walk: Walk, offset: number, path: Path, message: string, hint?: string): undefined {
  walk.faults.push({ offset, path, message, ...(hint === undefined ? {} : { hint }) });
}

function valueOf(walk: Walk, node: unknown, path: Path, spot: Spot, inAlias: boolean): unknown {
  if (path.length > MAX_DEPTH) return fault(walk, spot.value, path, TOO_DEEP);
  if (inAlias && ++walk.aliasNodes > MAX_ALIAS_NODES) {
    if (walk.aliasNodes === MAX_ALIAS_NODES + 1) {
      fault(walk, spot.value, [], `aliases ("*name") add more than ${MAX_ALIAS_NODES} values`, 'Write them out, or use fewer.');
    }
    return undefined;
  }
  if (isAlias(node)) return aliasValue(walk, node, path, spot);
  if (isScalar(node) || isMap(node) || isSeq(node)) {
    if (node.tag !== undefined && !PLAIN_TAGS.test(node.tag)) return fault(walk, spot.value, path, 'tags ("!name") are not used here', 'Remove the tag.');
  }
  if (isScalar(node)) return typeof node.value === 'symbol' ? node.source : node.value;
  if (isMap(node)) return mapValue(walk, node.items, path, spot, inAlias);
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      const at = (item as Node | null)?.range?.[0] ?? spot.value;
      const child: Spot = { key: at, value: at, children: new Map() };
      spot.children.set(index, child);
      return valueOf(walk, item, [...path, index], child, inAlias);
    });
  }
  return null;
}

function aliasValue(walk: Walk, node: Parameters<typeof isAlias>[0] & { resolve(document: Document): Node | undefined }, path: Path, spot: Spot): unknown {
  const target = node.resolve(walk.document);
  if (target === undefined) return fault(walk, spot.value, path, 'this alias ("*name") has no anchor ("&name") before it', 'Put text that starts with "*" in quotes.');
  if (walk.open.has(target)) return fault(walk, spot.value, path, 'this alias stands inside what it names');
  walk.open.add(target);
  const value = valueOf(walk, target, path, spot, true);
  walk.open.delete(target);
  return value;
}

function mapValue(walk: Walk, items: readonly Pair[], path: Path, spot: Spot, inAlias: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const item of items) {
    const keyAt = (item.key as Node | null)?.range?.[0] ?? spot.value;
    const key = keyText(item.key);
    if (key === undefined) {
      fault(walk, keyAt, path, 'a key must be text');
      continue;
    }
    const inner = [...path, key];
    if (isForbiddenKey(key)) fault(walk, keyAt, inner, FORBIDDEN_KEY);
    else if (key === '<<') fault(walk, keyAt, inner, 'merge keys ("<<") are not used here', 'Write the members out, or use an alias for a whole value.');
    else if (Object.hasOwn(result, key)) fault(walk, keyAt, inner, DUPLICATE_KEY, 'Remove one of the two.');
    else {
      const child: Spot = { key: keyAt, value: (item.value as Node | null)?.range?.[0] ?? keyAt, children: new Map() };
      spot.children.set(key, child);
      result[key] = valueOf(walk, item.value, inner, child, inAlias);
    }
  }
  return result;
}

/** A key as it is written: `8080:` and `true:` are names like any other. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}
