/**
 * The entry by which an IDE client reaches the gateway, and its new file with that entry merged in: comments, order
 * and formatting of everything else stay as they are. Text in, text out; `write.ts` puts it on the disk.
 */
import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, getNodeValue, parseTree, type Node } from 'jsonc-parser';
import { stringify as stringifyToml } from 'smol-toml';
import type { Client, ConnectTarget, Entry } from './known.ts';
import { isBlock, parseClientText, type Block } from './read.ts';

const ENTRY_NAME = /^[A-Za-z0-9_-]{1,64}$/;

export function entryName(target: ConnectTarget): string {
  const name = target.name ?? 'signalbox';
  if (!ENTRY_NAME.test(name)) throw new RangeError('the entry\'s name must be 1 to 64 letters, digits, "-" and "_"');
  return name;
}

/** What to put into the client's file, as the whole of a file that holds nothing else. */
export function connectEntry(client: Client, target: ConnectTarget): string {
  const entry = client.entry(target);
  if (client.format === 'toml') return tomlTable(client.key, entryName(target), entry);
  return `${JSON.stringify({ [client.key]: { [entryName(target)]: entry } }, null, 2)}\n`;
}

const tomlTable = (key: string, name: string, entry: Entry) => `${stringifyToml({ [key]: { [name]: entry } }).trim()}\n`;

export type MergedText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** The file's text with the entry in it, in place of one of the same name. Refused where anything else would change. */
export function mergeText(client: Client, target: ConnectTarget, text: string, path: string): MergedText {
  const before = parseClientText(text, path, client.format);
  if (!before.ok) return { ok: false, problem: `${before.problem} Nothing was changed: repair the file first.` };
  const name = entryName(target);
  const entry = client.entry(target);
  const servers = Object.hasOwn(before.value, client.key) ? before.value[client.key] : {};
  if (!isBlock(servers)) return { ok: false, problem: `${path}: "${client.key}" is no map of servers. Nothing was changed.` };
  if (Object.hasOwn(servers, name) && sameValue(servers[name], entry)) return { ok: true, text };
  const merged = client.format === 'toml' ? mergeToml(text, client.key, name, entry) : mergeJson(text, client.key, name, entry);
  const after = parseClientText(merged, path, client.format);
  const expected: Block = { ...before.value, [client.key]: { ...servers, [name]: entry } };
  if (!after.ok || !sameValue(after.value, expected)) {
    return { ok: false, problem: `${path}: "${client.key}" is written in a way that cannot be edited safely. Nothing was changed: add the entry by hand.` };
  }
  return { ok: true, text: merged };
}

/** TOML tables come without a prototype and with dates of their own; JSON text compares them as values. */
const sameValue = (a: unknown, b: unknown) => isDeepStrictEqual(plain(a), plain(b));

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date) return value.toISOString();
  if (isBlock(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}

/**
 * One insertion or one replacement, so that every other byte stays. (jsonc-parser's own `modify` formats what is
 * around its edit anew, and separates comments from their lines.) A new member goes first in its object.
 */
function mergeJson(text: string, key: string, name: string, entry: Entry): string {
  const base = text.trim() === '' ? '{}\n' : text;
  const eol = base.includes('\r\n') ? '\r\n' : '\n';
  const indent = /^([ \t]+)["}]/m.exec(base)?.[1] ?? '  ';
  const written = (value: unknown, depth: number) => JSON.stringify(value, null, indent).replaceAll('\n', `${eol}${indent.repeat(depth)}`);
  const root = parseTree(base, [], { allowTrailingComma: true });
  if (root === undefined) return base;
  const servers = findNodeAtLocation(root, [key]);
  if (servers === undefined) return insertFirst(base, root, `${JSON.stringify(key)}: ${written({ [name]: entry }, 1)}`, indent, '', eol);
  const old = findNodeAtLocation(root, [key, name]);
  if (old === undefined) return insertFirst(base, servers, `${JSON.stringify(name)}: ${written(entry, 2)}`, indent.repeat(2), indent, eol);
  if (isDeepStrictEqual(getNodeValue(old), plain(entry))) return base;
  return `${base.slice(0, old.offset)}${written(entry, 2)}${base.slice(old.offset + old.length)}`;
}

/** After the opening brace, and after a comment that ends its line. */
function insertFirst(text: string, object: Node, member: string, indent: string, outerIndent: string, eol: string): string {
  const comment = /^[ \t]*\/\/[^\r\n]*/.exec(text.slice(object.offset + 1))?.[0] ?? '';
  const at = object.offset + 1 + comment.length;
  const rest = text.slice(at);
  const isEmpty = (object.children?.length ?? 0) === 0;
  const closing = isEmpty && /^[ \t]*\}/.test(rest) ? `${eol}${outerIndent}` : '';
  return `${text.slice(0, at)}${eol}${indent}${member}${isEmpty ? '' : ','}${closing}${closing === '' ? rest : rest.trimStart()}`;
}

/** Replaces the table and those within it, or appends it. What it cannot see rightly, the caller's comparison refuses. */
function mergeToml(text: string, key: string, name: string, entry: Entry): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const table = tomlTable(key, name, entry).replaceAll('\n', eol);
  const tables = tomlHeaders(text);
  const isOurs = (path: readonly string[]) => path[0] === key && path[1] === name;
  const first = tables.findIndex(({ path }) => isOurs(path));
  if (first === -1) {
    const body = text.trimEnd();
    return body === '' ? table : `${body}${eol}${eol}${table}`;
  }
  let end = first + 1;
  while (end < tables.length && isOurs(tables[end]?.path ?? [])) end++;
  const from = tables[first]?.offset ?? 0;
  const until = tables[end]?.offset ?? text.length;
  // Blank lines and comments before the next table are that table's.
  const old = text.slice(from, until);
  const trailing = until === text.length ? '' : (/(?:\r?\n(?:[ \t]*(?:#[^\n]*)?(?=\r?\n|$)))*\r?\n?$/.exec(old)?.[0] ?? eol);
  return `${text.slice(0, from)}${table.trimEnd()}${trailing === '' ? eol : trailing}${text.slice(until)}`;
}

interface TomlHeader {
  readonly offset: number;
  readonly path: readonly string[];
}

/** Lines that open a table, outside strings of several lines. */
function tomlHeaders(text: string): TomlHeader[] {
  const headers: TomlHeader[] = [];
  let fence: string | undefined;
  let offset = 0;
  for (const line of text.split('\n')) {
    if (fence === undefined) {
      const inside = /^\s*\[\[?([^\]]+)\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
      if (inside !== undefined) headers.push({ offset, path: inside.split('.').map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2')) });
    }
    for (const [mark] of line.matchAll(/"""|'''/g)) {
      if (fence === undefined) fence = mark;
      else if (fence === mark) fence = undefined;
    }
    offset += line.length + 1;
  }
  return headers;
}
