/**
 * `Mcp-Param-*` headers: which arguments of a tool are mirrored, and how values are written in a header.
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
const PRIMITIVES = new Set(['string', 'integer', 'boolean']);
const MAX_DEPTH = 64;

const NONE: ParamHeaders = { type: 'valid', headers: [] };

/** The annotations of one input schema, checked against the constraints of the specification. */
export function paramHeaders(inputSchema: JsonValue | undefined): ParamHeaders {
  if (!isJsonObject(inputSchema) || !mentions(inputSchema, 0)) return NONE;
  const headers: ParamHeader[] = [];
  const seen = new Set<string>();
  const problem = walk(inputSchema, [], true, headers, seen);
  return problem === undefined ? { type: 'valid', headers } : { type: 'invalid', reason: problem };
}

/** Whether the annotation occurs at all: nearly no schema has one, and then nothing else is looked at. */
function mentions(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.some((item) => mentions(item, depth + 1));
  return Object.keys(value).some((key) => key === 'x-mcp-header' || mentions(value[key] as JsonValue, depth + 1));
}

function walk(
  schema: JsonObject,
  path: readonly string[],
  reachable: boolean,
  headers: ParamHeader[],
  seen: Set<string>,
): string | undefined {
  if (path.length > MAX_DEPTH) return 'x-mcp-header lies too deep';
  const name = own(schema, 'x-mcp-header');
  if (name !== undefined) {
    const problem = checkAnnotation(name, schema, path, reachable, seen);
    if (problem !== undefined) return problem;
    headers.push({ header: `mcp-param-${(name as string).toLowerCase()}`, path });
  }
  for (const key of Object.keys(schema)) {
    const child = schema[key] as JsonValue;
    const isProperties = key === 'properties' && isJsonObject(child);
    const problem = isProperties
      ? walkProperties(child, path, reachable, headers, seen)
      : walkElsewhere(child, headers, seen);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function walkProperties(
  properties: JsonObject,
  path: readonly string[],
  reachable: boolean,
  headers: ParamHeader[],
  seen: Set<string>,
): string | undefined {
  for (const key of Object.keys(properties)) {
    const property = properties[key] as JsonValue;
    if (!isJsonObject(property)) continue;
    const problem = walk(property, [...path, key], reachable, headers, seen);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** An annotation under `items`, `oneOf`, `$defs` and the like makes the tool invalid. */
function walkElsewhere(value: JsonValue, headers: ParamHeader[], seen: Set<string>): string | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = walkElsewhere(item, headers, seen);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  return isJsonObject(value) ? walk(value, [], false, headers, seen) : undefined;
}

function checkAnnotation(
  name: JsonValue,
  schema: JsonObject,
  path: readonly string[],
  reachable: boolean,
  seen: Set<string>,
): string | undefined {
  if (typeof name !== 'string' || !TOKEN.test(name)) return 'x-mcp-header is not a header name';
  if (!reachable || path.length === 0) return `x-mcp-header "${name}" is not on a property reachable through "properties" alone`;
  const type = own(schema, 'type');
  if (typeof type !== 'string' || !PRIMITIVES.has(type)) return `x-mcp-header "${name}" is not on a string, integer or boolean`;
  const lower = name.toLowerCase();
  if (seen.has(lower)) return `x-mcp-header "${name}" is used twice`;
  seen.add(lower);
  return undefined;
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
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return String(value);
    case 'number':
      return Number.isSafeInteger(value) ? String(value) : undefined;
    default:
      return undefined;
  }
}
