/**
 * What a limit counts apart, as a text: one for each value of `per`, short whatever a peer sends.
 */
import type { DecisionRequest } from '../../core/decision.ts';
import { canonicalJson, isJsonObject, own, sha256Hex, type JsonValue } from '../../core/json.ts';
import { COUNTED_BY } from '../counted.ts';

export type KeyOf = (request: DecisionRequest) => string;

/** Longer parts are replaced by their SHA-256. */
const MAX_PART_CHARS = 64;

/** @throws Error on a word that is none of `caller`, `tenant`, `server`, `tool`, `profile`, `args.PATH` */
export function compileKey(per: readonly string[]): KeyOf {
  const [first, ...rest] = per.map(compilePart);
  if (first === undefined) return () => '';
  if (rest.length === 0) return (request) => bounded(first(request));
  return (request) => {
    let key = bounded(first(request));
    // The length tells parts apart that hold any separator themselves.
    for (const part of rest) {
      const text = bounded(part(request));
      key = `${key.length}:${key},${text}`;
    }
    return key;
  };
}

function compilePart(word: string): KeyOf {
  const common = COUNTED_BY.get(word);
  if (common !== undefined) return common;
  if (word === 'profile') return ({ profile }) => (profile === undefined ? 'none' : `=${profile}`);
  if (!/^args(\.[^.]+)+$/.test(word)) throw new Error(`"${word}" is nothing that can be counted apart`);
  return argumentKey(word.split('.').slice(1));
}

function argumentKey(path: readonly string[]): KeyOf {
  return ({ args }) => {
    let value: JsonValue | undefined = args;
    for (const name of path) value = isJsonObject(value) && !JSON.isRawJSON(value) ? own(value, name) : undefined;
    return value === undefined ? 'absent' : canonicalJson(sameNumbers(value));
  };
}

/** `1`, `1.0` and `1e0` are one number, so that another spelling is not another count. */
function sameNumbers(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (JSON.isRawJSON(value)) return Number((value as unknown as { rawJSON: string }).rawJSON);
  if (Array.isArray(value)) return value.map(sameNumbers);
  // No prototype, so that a member called __proto__ is a member.
  const copy = Object.create(null) as Record<string, JsonValue>;
  for (const key of Object.keys(value)) copy[key] = sameNumbers(value[key] as JsonValue);
  return copy;
}

const bounded = (text: string): string => (text.length <= MAX_PART_CHARS ? text : `#${sha256Hex(text)}`);
