/**
 * The words of a text: how a record's are written into the index, and how a question's are looked up. The one definition of
 * a word that both share; what is ASCII is left to SQLite's `ascii` tokenizer, which takes the same letters and digits.
 */
import { isJsonObject, parseLossless, type JsonObject } from '../../core/json.ts';

/** Characters of one record whose words are found. More is possible only in arguments of that length. */
export const MAX_TEXT_CHARS = 65_536;

// oxlint-disable-next-line no-control-regex -- ASCII is what is asked
const NOT_ASCII = /[^\x00-\x7f]/;
const MARKS = /\p{M}+/gu;
const NO_WORD = /[^\p{L}\p{N}\p{Co}]+/gu;
/** Written without spaces: each character is a word. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;

/** Lower case, without accents, words apart; compatibility forms (full width, ligatures) are what they stand for. */
export function folded(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text.normalize('NFKD').replace(MARKS, '').toLowerCase().replace(UNSPACED, ' $& ').replace(NO_WORD, ' ');
}

const WORD = /([\p{L}\p{N}\p{Co}]+)(\*?)/gu;

/** A question for FTS5: every word, where it ends in `*` any word that begins so. `undefined` where there is none. */
export function question(text: string): string | undefined {
  const words: string[] = [];
  for (const part of text.split(/\s+/)) {
    const isBeginning = part.endsWith('*');
    const found = [...folded(part).matchAll(WORD)].map(([, word = '']) => word);
    for (const [at, word] of found.entries()) words.push(`"${word}"${isBeginning && at === found.length - 1 ? ' *' : ''}`);
  }
  return words.length === 0 ? undefined : words.join(' AND ');
}

/** A number that a double may not hold, outside of a text: members are parsed with care only then. */
const LONG_NUMBER = /[:,[]-?(?:\d[\d.]{15}|[\d.]+[eE])/;

/** @throws SyntaxError where the body is no JSON */
export const parseBody = (body: string): JsonObject => (LONG_NUMBER.test(body) ? parseLossless(body) : JSON.parse(body)) as JsonObject;

/** Names of members that hold no words: hashes, and what has an index of its own. */
const WORDLESS: ReadonlySet<string> = new Set([
  'seq', 'prev', 'time', 'call', 'fingerprint', 'argsHmac', 'config', 'policy', 'before', 'hash', 'session', 'trace', 'limits', 'booked', 'settled', 'payload', 'ranges',
]);

/** The words of a whole record: names, the caller, reasons, arguments with the names in them. */
export function textOf(body: JsonObject): string {
  const parts: string[] = [];
  let left = MAX_TEXT_CHARS;
  const add = (text: string): void => {
    if (left <= 0) return;
    parts.push(text.length > left ? text.slice(0, left) : text);
    left -= text.length + 1;
  };
  const walk = (value: unknown): void => {
    if (left <= 0) return;
    if (typeof value === 'string') add(value);
    else if (typeof value === 'number' || typeof value === 'boolean') add(String(value));
    else if (JSON.isRawJSON(value)) add(JSON.stringify(value));
    else if (Array.isArray(value)) for (const one of value) walk(one);
    else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) {
        add(key);
        walk(value[key]);
      }
    }
  };
  for (const key of Object.keys(body)) if (!WORDLESS.has(key)) walk(body[key]);
  return folded(parts.join('\n'));
}
