/**
 * What a request's headers repeat of its body: `Mcp-Name`, `Mcp-Param-*`, and how values are written there.
 * MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters" and "Value Encoding".
 */
import { isJsonObject, own, type JsonObject, type JsonValue } from './json.ts';

export interface ParamHeader {
  /** The header's whole name, lower-case: `mcp-param-region`. */
  readonly header: string;
  /** Chain of property names that leads to the argument. */
  readonly path: readonly string[];
}

export type ParamHeaders =
  | { readonly type: 'valid'; readonly headers: readonly ParamHeader[] }
  | { readonly type: 'invalid'; readonly reason: string };

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PRIMITIVES: readonly (JsonValue | undefined)[] = ['string', 'integer', 'boolean'];
const KEYWORD = 'x-mcp-header';
/** Their values are data, no schemas: an `x-mcp-header` in an example asks for nothing. */
const DATA_KEYWORDS = new Set(['default', 'const', 'enum', 'examples', KEYWORD]);

/** The annotations of one input schema, checked against the constraints of the specification. */
export function paramHeaders(inputSchema: JsonValue | undefined): ParamHeaders {
  const headers: ParamHeader[] = [];
  const names = new Set<string>();
  let problem: string | undefined;

  function annotate(node: JsonObject, path: readonly string[]): void {
    const name = own(node, KEYWORD);
    if (typeof name !== 'string' || !TOKEN.test(name)) problem ??= `its x-mcp-header at ${place(path)} is no header name`;
    else if (path.length === 0) problem ??= 'its x-mcp-header stands at the root of the schema';
    else if (!PRIMITIVES.includes(own(node, 'type'))) problem ??= `x-mcp-header at ${place(path)} needs the type string, integer or boolean`;
    else if (names.has(name.toLowerCase())) problem ??= `two parameters want the header "${name}"`;
    else {
      names.add(name.toLowerCase());
      headers.push({ header: `mcp-param-${name.toLowerCase()}`, path });
    }
  }

  // `reachable`: only `properties` keys lead here. An annotation anywhere else spoils the tool.
  function visit(node: JsonValue, path: readonly string[], reachable: boolean): void {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, path, false);
      return;
    }
    if (!isJsonObject(node)) return;
    if (Object.hasOwn(node, KEYWORD)) {
      if (reachable) annotate(node, path);
      else problem ??= `its x-mcp-header at ${place(path)} is not reached by "properties" alone`;
    }
    for (const [key, value] of Object.entries(node)) {
      if (DATA_KEYWORDS.has(key)) continue;
      if (key !== 'properties' || !isJsonObject(value)) visit(value, [...path, key], false);
      else for (const [name, property] of Object.entries(value)) visit(property, [...path, name], reachable);
    }
  }

  if (inputSchema !== undefined) visit(inputSchema, [], true);
  return problem === undefined ? { type: 'valid', headers } : { type: 'invalid', reason: problem };
}

const place = (path: readonly string[]): string => `"${path.join('.') || '(root)'}"`;

/** Names and values in turn, as they go on the wire, for the arguments of one call. */
export function mirroredHeaders(wanted: readonly ParamHeader[], args: JsonObject): string[] {
  const flat: string[] = [];
  for (const { header, path } of wanted) {
    const value = argumentAt(args, path);
    const text = value === undefined ? undefined : headerText(value);
    if (text !== undefined) flat.push(header, encodeHeaderValue(text));
  }
  return flat;
}

/** The argument at a header's path; `undefined` where it is absent or null (then there is no header). */
export function argumentAt(args: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = args;
  for (const key of path) {
    if (!isJsonObject(value)) return undefined;
    value = own(value, key);
  }
  return value === null ? undefined : value;
}

const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;
const SENTINEL = /^=\?base64\?(.*)\?=$/s;

/** A text as a header value: itself where that is safe, else in the Base64 sentinel. */
export const encodeHeaderValue = (text: string): string =>
  PLAIN.test(text) && !SENTINEL.test(text) ? text : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;

/** The text behind a header value; `undefined` where the sentinel holds no Base64 of UTF-8. */
export function decodeHeaderValue(value: string): string | undefined {
  const encoded = SENTINEL.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** How an argument is written before it is encoded; `undefined` for what cannot be mirrored. */
export function headerText(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  // A number that was kept as its own text.
  return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
}

/** Methods whose target is repeated in `Mcp-Name`, and the parameter that holds it ("Standard Request Headers"). */
export const NAMED_METHODS: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);
