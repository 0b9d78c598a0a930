/**
 * `x-mcp-header`: arguments that a tool wants repeated as `Mcp-Param-*` headers
 * (MCP 2026-07-28, basic/transports/streamable-http, Custom Headers from Tool Parameters).
 */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import { encodeValue } from './headers.ts';

export interface ParamHeader {
  readonly header: string;
  readonly path: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRIMITIVES: readonly JsonValue[] = ['string', 'integer', 'boolean'];
const KEYWORD = 'x-mcp-header';

/** What a schema asks for, or in words why it asks wrongly: then the tool is left out. */
export function paramHeaders(schema: JsonObject): readonly ParamHeader[] | string {
  const found: ParamHeader[] = [];
  const names = new Set<string>();
  let problem: string | undefined;

  function annotate(node: JsonObject, path: readonly string[]): void {
    const header = own(node, KEYWORD);
    const type = own(node, 'type');
    if (typeof header !== 'string' || !TOKEN.test(header)) problem ??= `its x-mcp-header at ${place(path)} is no header name`;
    else if (path.length === 0) problem ??= 'its x-mcp-header stands at the root of the schema';
    else if (type === undefined || !PRIMITIVES.includes(type)) problem ??= `x-mcp-header at ${place(path)} needs the type string, integer or boolean`;
    else if (names.has(header.toLowerCase())) problem ??= `two parameters want the header "${header}"`;
    else {
      names.add(header.toLowerCase());
      found.push({ header: `mcp-param-${header.toLowerCase()}`, path });
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

  visit(schema, [], true);
  return problem ?? found;
}

/** Their values are data, no schemas: an `x-mcp-header` in an example asks for nothing. */
const DATA_KEYWORDS = new Set(['default', 'const', 'enum', 'examples', KEYWORD]);

const place = (path: readonly string[]): string => `"${path.join('.') || '(root)'}"`;

/** Names and values in turn for the arguments of one call. */
export function paramHeaderValues(wanted: readonly ParamHeader[], args: JsonObject): string[] {
  const flat: string[] = [];
  for (const { header, path } of wanted) {
    let value: JsonValue | undefined = args;
    for (const key of path) value = isJsonObject(value) ? own(value, key) : undefined;
    if (value === undefined || value === null || (typeof value === 'object' && !isRawNumber(value))) continue;
    flat.push(header, encodeValue(typeof value === 'object' ? JSON.stringify(value) : String(value)));
  }
  return flat;
}

/** A number kept as its own text by `parseLossless`. */
const isRawNumber = (value: object): boolean => (JSON as unknown as { isRawJSON?: (value: object) => boolean }).isRawJSON?.(value) ?? false;
