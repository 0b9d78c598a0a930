/**
 * Secrets that the gateway itself was given: values of references, keys, its own token. They are hidden wherever they
 * appear, whatever they look like. Kept in memory only; it cannot know what upstreams were given by others.
 */
import { REDACTED } from './text.ts';

export interface KnownSecrets {
  /** Values below the least length are none: hiding them would hide ordinary words. */
  add(value: string): void;
  /** The text itself where it holds none. One look at the text, however many are known. */
  hide(text: string): string;
  readonly size: number;
}

const MIN_CHARS = 8;
/** What begins like a value for so long is one that was cut off. */
const SURE_CHARS = 20;
/** A longer value is looked for in pieces of this length, so that a part of it is recognised too. */
const PIECE_CHARS = 256;
/** Older ones are forgotten first; a configuration names a few. */
const MAX_VALUES = 5000;
/**
 * Of eight characters in a row, four at a place that is a multiple of four are always among them: only those places of a
 * text are looked at, and only what begins like a secret there is compared.
 */
const GRAM = 4;
const SLOTS = 1 << 15;

export function createKnownSecrets(): KnownSecrets {
  const values = new Set<string>();
  let slots = new Uint8Array(SLOTS);
  /** By gram: where it is in which values. */
  let byGram = new Map<string, { readonly value: string; readonly offset: number }[]>();

  function learn(value: string): void {
    for (let offset = 0; offset < GRAM; offset++) {
      const gram = value.slice(offset, offset + GRAM);
      slots[slotAt(gram, 0)] = 1;
      const places = byGram.get(gram);
      if (places === undefined) byGram.set(gram, [{ value, offset }]);
      else places.push({ value, offset });
    }
  }

  function forgetOldest(): void {
    for (const value of values) {
      if (values.size <= MAX_VALUES / 2) break;
      values.delete(value);
    }
    slots = new Uint8Array(SLOTS);
    byGram = new Map();
    for (const value of values) learn(value);
  }

  /** The end of the longest value that covers this place of the text, from where it begins. */
  function found(text: string, at: number): readonly [from: number, to: number] | undefined {
    let best: readonly [number, number] | undefined;
    for (const { value, offset } of byGram.get(text.slice(at, at + GRAM)) ?? []) {
      const from = at - offset;
      if (from < 0 || !text.startsWith(value.slice(0, SURE_CHARS), from)) continue;
      let to = from + Math.min(SURE_CHARS, value.length);
      while (to - from < value.length && text.charCodeAt(to) === value.charCodeAt(to - from)) to++;
      if (best === undefined || to - from > best[1] - best[0]) best = [from, to];
    }
    return best;
  }

  return {
    add(value) {
      for (const form of formsOf(value)) {
        if (values.has(form)) continue;
        if (values.size >= MAX_VALUES) forgetOldest();
        values.add(form);
        learn(form);
      }
    },
    hide(text) {
      if (values.size === 0 || text.length < MIN_CHARS) return text;
      let shown = '';
      let kept = 0;
      for (let at = 0; at + GRAM <= text.length; at += GRAM) {
        if (slots[slotAt(text, at)] === 0) continue;
        const range = found(text, at);
        if (range === undefined || range[1] <= kept) continue;
        // Where two overlap, the part that the first has left of the second goes with it.
        if (range[0] >= kept) shown += `${text.slice(kept, range[0])}${REDACTED}`;
        kept = range[1];
      }
      return kept === 0 ? text : shown + text.slice(kept);
    },
    get size() {
      return values.size;
    },
  };
}

const slotAt = (text: string, at: number): number =>
  (text.charCodeAt(at) * 31 + text.charCodeAt(at + 1) * 1009 + text.charCodeAt(at + 2) * 9176 + text.charCodeAt(at + 3) * 27_449) & (SLOTS - 1);

/** How a value is met: as it is, in JSON, in an address, in base64, and line by line. */
function formsOf(value: string): Set<string> {
  const trimmed = value.trim();
  const forms = new Set<string>();
  for (const part of trimmed.includes('\n') ? trimmed.split(/\r?\n/).filter((line) => !line.startsWith('-----')) : [trimmed]) {
    for (const form of [part, JSON.stringify(part).slice(1, -1), encodeURIComponent(part.toWellFormed()), Buffer.from(part).toString('base64').replace(/=+$/, '')]) {
      for (let from = 0; from < form.length; from += PIECE_CHARS) {
        // What is left over is looked for with what stands before it.
        const piece = form.slice(Math.max(0, Math.min(from, form.length - PIECE_CHARS)), from + PIECE_CHARS);
        if (piece.length >= MIN_CHARS) forms.add(piece);
      }
    }
  }
  return forms;
}
