/**
 * Looks through a value as one plan says: every text and every name of a member, whatever the value is. What has to be
 * changed is changed in a copy. Long ones take a while: the work is done in steps, with a pause or a promise between.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { REDACTED } from '../redact/text.ts';
import { holdsInstructions, marked, markedShort, withoutHidden } from './injection.ts';
import { redactPersonal, type Replaced } from './personal.ts';
import type { GuardPlan } from './plan.ts';
import { mayHoldMore, piecesOf, redactKnown, redactRanges, type Lint } from './secrets.ts';
import { SLICE_CHARS, slicesOf } from './slices.ts';

/** Yields `undefined` to let others have their turn, or a promise to wait for. */
export type Steps<T> = Generator<Promise<unknown> | undefined, T, unknown>;

/** Work at one go. */
const GO_MS = 2;
/** All the work on one result; beyond, it is blocked. */
const MAX_MS = 10_000;
const MAX_DEPTH = 512;
/** Binary content: no text that anybody reads, and full of chance likenesses. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const SHORTEST_BINARY = 256;
const BINARY_MEMBERS = new Set(['data', 'blob']);
/** Texts beyond this are not read for instructions word by word, but in parts. */
const SHORT_CHARS = 200;

export type Found = Record<string, number>;

export class Look {
  readonly found: Found = {};
  readonly #plan: GuardPlan;
  readonly lint: Promise<Lint>;
  #nonce: string | undefined;
  #goSince = performance.now();
  #spentMs = 0;

  constructor(plan: GuardPlan, lint: Promise<Lint>) {
    this.#plan = plan;
    this.lint = lint;
  }

  /** @param member name of the member that the value is */
  *value(value: JsonValue, member: string, depth = 0): Steps<JsonValue> {
    if (typeof value === 'string') return value === '' ? value : yield* this.#string(value, member);
    if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return value;
    if (depth > MAX_DEPTH) throw new Error('a result that is nested too deep to be looked through');
    if (this.#isLong()) yield* this.#pause();
    return Array.isArray(value) ? yield* this.#array(value, member, depth) : yield* this.#object(value, depth);
  }

  *#array(items: JsonValue[], member: string, depth: number): Steps<JsonValue> {
    let copy: JsonValue[] | undefined;
    for (const [at, item] of items.entries()) {
      const clean = yield* this.value(item, member, depth + 1);
      if (clean !== item) (copy ??= [...items])[at] = clean;
    }
    return copy ?? items;
  }

  *#object(object: JsonObject, depth: number): Steps<JsonValue> {
    let changed: [string, JsonValue][] | undefined;
    const names = Object.keys(object);
    for (const [at, name] of names.entries()) {
      const value = object[name] as JsonValue;
      const clean = typeof value === 'object' || typeof value === 'string' ? yield* this.value(value, name, depth + 1) : value;
      const cleanName = this.#isPlainName(name) ? name : yield* this.#redacted(name);
      if (clean !== value || cleanName !== name) changed ??= names.slice(0, at).map((before) => [before, object[before] as JsonValue]);
      changed?.push([cleanName, clean]);
    }
    // Defines members, so that one called `__proto__` stays one.
    return changed === undefined ? object : (Object.fromEntries(changed) as JsonObject);
  }

  /** Nearly all names are words, and too short for anything else. */
  #isPlainName(name: string): boolean {
    return name.length < 12 || /^[A-Za-z]+$/.test(name);
  }

  *#string(text: string, member: string): Steps<string> {
    if (BINARY_MEMBERS.has(member) && text.length >= SHORTEST_BINARY && BASE64.test(text)) return text;
    const { injection } = this.#plan;
    const clean = yield* this.#redacted(injection === undefined ? text : yield* this.#visible(text));
    if (injection === undefined || !(yield* this.#instructs(clean))) return clean;
    this.#count('injection', 1);
    this.#nonce ??= randomBytes(4).toString('hex');
    return member === 'text' || clean.length > SHORT_CHARS ? marked(clean, this.#nonce) : markedShort(clean);
  }

  *#visible(text: string): Steps<string> {
    if (/^[\t\n\r\x20-\x7e]*$/.test(text)) return text;
    let clean = '';
    for (const slice of this.#slices(text)) {
      clean += withoutHidden(slice);
      if (this.#isLong()) yield* this.#pause();
    }
    if (clean !== text) this.#count('hidden', 1);
    return clean === text ? text : clean;
  }

  *#instructs(text: string): Steps<boolean> {
    for (let from = 0; from < text.length; from += SLICE_CHARS) {
      // What stands across the end of a part stands whole in the next.
      if (holdsInstructions(text.slice(Math.max(0, from - 1024), from + SLICE_CHARS))) return true;
      if (this.#isLong()) yield* this.#pause();
    }
    return false;
  }

  *#redacted(text: string): Steps<string> {
    const { secrets, personal } = this.#plan;
    if (secrets === undefined && personal === undefined) return text;
    let clean = '';
    for (const slice of this.#slices(text)) {
      let part = slice;
      if (secrets !== undefined) {
        part = this.#replaced('secret', redactKnown(part));
        if (mayHoldMore(part)) part = yield* this.#linted(part);
      }
      if (personal !== undefined) part = this.#replaced('personal', redactPersonal(part));
      clean += part;
      if (this.#isLong()) yield* this.#pause();
    }
    return clean;
  }

  *#linted(text: string): Steps<string> {
    const lint = (yield this.lint) as Lint;
    const ranges: [number, number][] = [];
    for (const { start, piece } of piecesOf(text)) {
      const found = (yield lint(piece)) as Awaited<ReturnType<Lint>>;
      for (const [from, to] of found) ranges.push([start + from, start + to]);
      if (this.#isLong()) yield* this.#pause();
    }
    return ranges.length === 0 ? text : this.#replaced('secret', redactRanges(text, ranges.filter(([from, to]) => text.slice(from, to) !== REDACTED)));
  }

  #slices(text: string): Iterable<string> {
    return text.length <= 2 * SLICE_CHARS ? [text] : slicesOf(text, (left, right) => this.#isApart(left, right));
  }

  #isApart(left: string, right: string): boolean {
    const { secrets, personal } = this.#plan;
    const both = left + right;
    const clean = (text: string): string => {
      const known = secrets === undefined ? text : redactKnown(text).text;
      return personal === undefined ? known : redactPersonal(known).text;
    };
    if (secrets !== undefined && /[\w./+=-]$/.test(left) && mayHoldMore(both)) return false;
    return clean(both) === clean(left) + clean(right);
  }

  #replaced(kind: string, { text, count }: Replaced): string {
    if (count > 0) this.#count(kind, count);
    return text;
  }

  #count(kind: string, count: number): void {
    this.found[kind] = (this.found[kind] ?? 0) + count;
  }

  #isLong(): boolean {
    return performance.now() - this.#goSince > GO_MS;
  }

  *#pause(): Steps<void> {
    this.#spentMs += performance.now() - this.#goSince;
    if (this.#spentMs > MAX_MS) throw new Error('a result that takes too long to be looked through');
    yield undefined;
    this.#goSince = performance.now();
  }
}
