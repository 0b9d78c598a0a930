/**
 * JSON as the gateway sees it: value types, canonical form, and a parse that keeps what doubles would lose.
 * It does not bound or judge input: that is `gateway/wire/body.ts`.
 */
import { createHash } from 'node:crypto';

export type JsonPrimitive = string | number | boolean | null;
export type JsonValue = JsonPrimitive | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An own property of an object whose keys a peer chose; `undefined` where the key is only inherited
 * (`__proto__`, `constructor`) or absent.
 */
export const own = (object: JsonObject | undefined, key: string): JsonValue | undefined =>
  object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;

type SourceReviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** A number that a double may not hold: 16 digits in a row, or an exponent. Strings match too, which only costs time. */
const SUSPECT_NUMBER = /\d{16}|\d[eE]/;

/**
 * `JSON.parse` that writes numbers back as they came: one that a double cannot hold (a 64-bit id, `1e400`) is kept as
 * its own text, which `JSON.stringify` emits verbatim.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseLossless(text: string): JsonValue {
  if (!SUSPECT_NUMBER.test(text)) return JSON.parse(text) as JsonValue;
  const keepExact: SourceReviver = (_key, value, context) =>
    typeof value === 'number' && context.source !== undefined && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value;
  return (JSON.parse as (text: string, reviver: SourceReviver) => JsonValue)(text, keepExact);
}

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no white space, ECMAScript numbers.
 * `undefined` members are left out, as `JSON.stringify` leaves them.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (JSON.isRawJSON(value)) return JSON.stringify(value);
  const object = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(object).sort()) {
    if (object[key] === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(object[key])}`;
  }
  return `{${text}}`;
}

/** SHA-256 in lower-case hex. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
