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
  if (JSON.isRawJSON(value)) return canonicalNumber(JSON.stringify(value));
  const object = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(object).sort()) {
    if (object[key] === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(object[key])}`;
  }
  return `{${text}}`;
}

/**
 * A number that came as its own text: as ECMAScript writes it where that is the same number (`1.0`, `1e2`), else as it
 * came, so that two numbers which one double stands for stay two.
 */
function canonicalNumber(source: string): string {
  const number = Number(source);
  return Number.isFinite(number) && sameDecimal(source, String(number)) ? JSON.stringify(number) : source;
}

const DECIMAL = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Whether two JSON numbers of one sign are the same, digit by digit. */
function sameDecimal(a: string, b: string): boolean {
  const [left, right] = [decimalOf(a), decimalOf(b)];
  return left.digits === right.digits && left.exponent === right.exponent;
}

function decimalOf(text: string): { digits: string; exponent: number } {
  const [, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  const all = whole + fraction;
  let from = 0;
  while (from < all.length && all[from] === '0') from++;
  let to = all.length;
  while (to > from && all[to - 1] === '0') to--;
  return from === to ? { digits: '', exponent: 0 } : { digits: all.slice(from, to), exponent: Number(exponent) - fraction.length + all.length - to };
}

/** SHA-256 in lower-case hex. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
