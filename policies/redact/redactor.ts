/**
 * What may be written down of a value: without secrets, and small. It hides by name and by shape; it cannot know a
 * secret that has neither.
 */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { MORE_MEMBERS, TOO_DEEP } from './marks.ts';
import type { KnownSecrets } from './known.ts';
import { createNameTest, type NameTest } from './names.ts';
import { looksRandom } from './random.ts';
import { MAX_TEXT_CHARS, REDACTED, redactText } from './text.ts';

export interface RedactorOptions {
  /** Names (patterns with `*`, spelling ignored) whose values are hidden besides the built-in ones. */
  readonly extraNames: readonly string[];
  /** About the size of the result as JSON; what does not fit is left out and counted. */
  readonly maxBytes?: number;
  /** Hidden whatever they look like. */
  readonly known?: KnownSecrets;
}

export interface Redactor {
  /** Never changes its argument, and returns that itself where nothing had to change. */
  redact(value: JsonValue): JsonValue;
  /** For log lines and messages. */
  redactText(text: string): string;
}

const MAX_DEPTH = 64;
const MAX_BYTES = 16 * 1024;
const MAX_NAME_CHARS = 200;
const MAX_NUMBER_CHARS = 64;
/** Characters that JSON writes as themselves and UTF-8 in one byte. */
const PLAIN = /^[ !#-[\]-~]*$/;

export function createRedactor({ extraNames, maxBytes = MAX_BYTES, known }: RedactorOptions): Redactor {
  const nameTest = createNameTest(extraNames);
  const hide = known?.hide;
  return {
    redact: (value) => redactValue(value, 0, { left: maxBytes, nameTest, hide }),
    redactText: (text) => redactText(text, MAX_TEXT_CHARS, hide),
  };
}

interface Work {
  /** Bytes that may still be written. */
  left: number;
  readonly nameTest: NameTest;
  readonly hide: ((text: string) => string) | undefined;
}

function redactValue(value: JsonValue, depth: number, work: Work): JsonValue {
  if (typeof value === 'string') return redactString(value, work);
  if (typeof value !== 'object' || value === null) {
    work.left -= 8;
    return value;
  }
  if (JSON.isRawJSON(value)) return redactNumber(value as JsonObject, work);
  if (depth >= MAX_DEPTH) return spend(TOO_DEEP, work);
  work.left -= 2;
  return Array.isArray(value) ? redactArray(value, depth, work) : redactObject(value, depth, work);
}

function redactString(text: string, work: Work): string {
  let clean = redactText(text, Math.min(MAX_TEXT_CHARS, Math.max(work.left, 0)), work.hide);
  let size = sizeOf(clean);
  if (size > work.left + 2 && clean.length < size - 2) {
    // Escapes made it longer than it looked: at most six bytes for a character.
    clean = redactText(text, Math.max(0, Math.floor(work.left / 6)), work.hide);
    size = sizeOf(clean);
  }
  work.left -= size;
  return clean;
}

/** A number kept as its own text, which a peer may have made as long as it liked. */
function redactNumber(value: JsonObject, work: Work): JsonValue {
  const { length } = JSON.stringify(value);
  if (length > MAX_NUMBER_CHARS) return spend(`[number of ${length} characters]`, work);
  work.left -= length;
  return value;
}

function redactArray(items: JsonValue[], depth: number, work: Work): JsonValue {
  let copy: JsonValue[] | undefined;
  for (let at = 0; at < items.length; at += 1) {
    if (work.left <= 0) return [...(copy ?? items.slice(0, at)), `…(${items.length - at} more items)`];
    const item = items[at] as JsonValue;
    const clean = redactValue(item, depth + 1, work);
    work.left -= 1;
    if (clean !== item) copy ??= items.slice(0, at);
    copy?.push(clean);
  }
  return copy ?? items;
}

function redactObject(object: JsonObject, depth: number, work: Work): JsonValue {
  const names = Object.keys(object);
  const hidesValue = isNamedSecret(object, work);
  let copy: JsonObject | undefined;
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] as string;
    if (work.left <= 0) {
      copy ??= copyOf(object, names.slice(0, at));
      setOwn(copy, MORE_MEMBERS, `${names.length - at} more members`);
      return copy;
    }
    const value = object[name] as JsonValue;
    const says = work.nameTest(name);
    const secret = says === 'secret' || (hidesValue && name === 'value') || (says === 'perhaps' && typeof value === 'string' && looksRandom(value));
    const cleanName = redactText(name, MAX_NAME_CHARS, work.hide);
    const clean = secret ? spend(REDACTED, work) : redactValue(value, depth + 1, work);
    work.left -= sizeOf(cleanName) + 2;
    if (clean !== value || cleanName !== name) copy ??= copyOf(object, names.slice(0, at));
    if (copy !== undefined) setOwn(copy, cleanName, clean);
  }
  return copy ?? object;
}

/** `{ "name": "DB_PASSWORD", "value": "…" }`: how lists of headers and variables are written. */
function isNamedSecret(object: JsonObject, { nameTest }: Work): boolean {
  if (!Object.hasOwn(object, 'value')) return false;
  for (const label of ['name', 'key']) {
    const name = Object.hasOwn(object, label) ? object[label] : undefined;
    if (typeof name === 'string' && nameTest(name) === 'secret') return true;
  }
  return false;
}

function copyOf(object: JsonObject, names: readonly string[]): JsonObject {
  const copy: JsonObject = {};
  for (const name of names) setOwn(copy, name, object[name] as JsonValue);
  return copy;
}

/** Assigning to `__proto__` would set the prototype. */
function setOwn(object: JsonObject, name: string, value: JsonValue): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function spend(text: string, work: Work): string {
  work.left -= text.length + 2;
  return text;
}

const sizeOf = (text: string): number => (PLAIN.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text)));
