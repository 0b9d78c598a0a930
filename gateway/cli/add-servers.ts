/**
 * Servers into the text of a configuration, which otherwise stays as it is, comments and all. Text in, text out; refused
 * where the result would not say what was there before plus the servers.
 */
import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify } from 'jsonc-parser';
import { isMap, isScalar, parseDocument, stringify, type Pair } from 'yaml';
import type { ServerEntry } from '../clients/index.ts';
import { parseJson } from '../config/json-source.ts';
import { parseYaml } from '../config/yaml-source.ts';

export type Servers = Readonly<Record<string, ServerEntry>>;
export type Added = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** As they stand in the text of a valid configuration. */
export function serversIn(text: string, file: string): Readonly<Record<string, unknown>> {
  const value = parserFor(file)(text).value as { servers?: Record<string, unknown>; mcpServers?: Record<string, unknown> };
  return value.mcpServers ?? value.servers ?? {};
}

const isJsonFile = (file: string): boolean => /\.jsonc?$/i.test(file);
const parserFor = (file: string): typeof parseYaml => (isJsonFile(file) ? parseJson : parseYaml);

/** `text` is a valid configuration, and none of the ids is in it. */
export function addServers(text: string, file: string, servers: Servers): Added {
  const parse = parserFor(file);
  const before = parse(text).value as Record<string, unknown>;
  const key = Object.hasOwn(before, 'mcpServers') ? 'mcpServers' : 'servers';
  const expected = { ...before, [key]: { ...(before[key] as object | undefined), ...servers } };
  const candidates = isJsonFile(file) ? [intoJson(text, key, servers)] : [intoYamlBlock(text, key, servers), intoYamlAnew(text, key, servers)];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const after = parse(candidate);
    if (after.faults.length === 0 && isDeepStrictEqual(after.value, expected)) return { ok: true, text: candidate };
  }
  return { ok: false, problem: `${file}: "${key}" is written in a way that cannot be added to safely. Nothing was changed: add the servers by hand.` };
}

/** As they are written into a YAML file: no folded lines, no anchors, no blocks of text. */
export const yamlOf = (value: object): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: false });

function intoJson(text: string, key: string, servers: Servers): string {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const formattingOptions = { insertSpaces: !indent.startsWith('\t'), tabSize: indent.startsWith('\t') ? 1 : indent.length, eol: text.includes('\r\n') ? '\r\n' : '\n' };
  let result = text;
  for (const [id, entry] of Object.entries(servers)) result = applyEdits(result, modify(result, [key, id], entry, { formattingOptions }));
  return result;
}

/** Only inserts: after the last server, in the place of an empty map, or at the end of the file. */
function intoYamlBlock(text: string, key: string, servers: Servers): string | undefined {
  const { contents } = parseDocument(text);
  if (!isMap(contents) || contents.flow === true) return undefined;
  const pair = contents.items.find((item) => isScalar(item.key) && item.key.value === key) as Pair | undefined;
  if (pair === undefined) return `${text.trimEnd()}\n\n${yamlOf({ [key]: servers })}`;
  const { value } = pair;
  if (isMap(value) && value.flow !== true && value.items.length > 0) return insertAfter(text, value.range?.[1] ?? text.length, indentOf(text, value.range?.[0] ?? 0), servers);
  const isEmpty = (isMap(value) && value.items.length === 0) || (isScalar(value) && value.value === null);
  const range = (value as { range?: readonly [number, number, number] | null }).range;
  if (!isEmpty || range === null || range === undefined) return undefined;
  return `${text.slice(0, range[0]).trimEnd()}\n${indented(yamlOf(servers), '  ').trimEnd()}${text.slice(range[1])}`;
}

function insertAfter(text: string, end: number, indent: string, servers: Servers): string {
  const head = text.slice(0, end);
  return `${head}${head.endsWith('\n') ? '' : '\n'}${indented(yamlOf(servers), indent)}${text.slice(end)}`;
}

/** What stands before an offset on its line. */
function indentOf(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  return text.slice(lineStart, offset).replaceAll(/\S/g, ' ');
}

const indented = (yaml: string, indent: string): string => yaml.replaceAll(/^(?=.)/gm, indent);

/** Comments stay, white space may not. */
function intoYamlAnew(text: string, key: string, servers: Servers): string {
  const document = parseDocument(text);
  for (const [id, entry] of Object.entries(servers)) document.setIn([key, id], document.createNode(entry));
  return document.toString({ lineWidth: 0 });
}
