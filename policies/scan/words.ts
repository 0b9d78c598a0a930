/**
 * A text as the words that a model would read in it: case, look-alikes, invisible characters, digits for letters and
 * spaced-out letters undone. Linear in the text; what the words mean is said elsewhere.
 */
import { skeleton } from '../names/skeleton.ts';

/** Letters, digits and marks hold a word together; so do the signs that stand for letters. */
const WORD = /[\p{L}\p{N}\p{M}@$]+/gu;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
// oxlint-disable-next-line no-control-regex -- any ASCII
const ASCII = /^[\0-\x7f]*$/;
const APOSTROPHES = /(?<=[a-z])['’ʼ`](?=[a-z])/g;
/** A longer run of letters is no word, and is looked at as far as this. */
const MAX_WORD = 256;
const LEET: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' };

export function wordsOf(text: string): string[] {
  return ASCII.test(text) ? wordsOfAscii(withoutApostrophes(text.toLowerCase())) : wordsOfAny(text);
}

const withoutApostrophes = (text: string): string => (text.includes("'") || text.includes('`') || !ASCII.test(text) ? text.replace(APOSTROPHES, '') : text);

/** What comes one after the other becomes words; letters with one sign between each become one: "i g n o r e", "i.g.n.o.r.e". */
class Words {
  readonly all: string[] = [];
  #letters = '';
  #lettersEnd = -2;

  add(word: string, index: number): void {
    if (word.length > 1) {
      this.flush();
      this.all.push(word);
      return;
    }
    if (index !== this.#lettersEnd + 1) this.flush();
    this.#letters += word;
    this.#lettersEnd = index + 1;
    if (this.#letters.length >= MAX_WORD) this.flush();
  }

  flush(): void {
    if (this.#letters !== '') this.all.push(unleet(this.#letters));
    this.#letters = '';
  }
}

/** The same without a match object for each word: nearly all text is of this kind. */
function wordsOfAscii(lower: string): string[] {
  const words = new Words();
  let start = -1;
  let hasSign = false;
  let hasLetter = false;
  for (let at = 0; at <= lower.length; at++) {
    const unit = at === lower.length ? 0 : lower.charCodeAt(at);
    const isLetter = unit >= 0x61 && unit <= 0x7a;
    if (isLetter || (unit >= 0x30 && unit <= 0x39) || unit === 0x40 || unit === 0x24) {
      if (start === -1) start = at;
      if (isLetter) hasLetter = true;
      else hasSign = true;
    } else if (start !== -1) {
      const word = lower.slice(start, Math.min(at, start + MAX_WORD));
      words.add(hasSign && (hasLetter || word.length === 1) ? unleet(word) : word, start);
      start = -1;
      hasSign = false;
      hasLetter = false;
    }
  }
  words.flush();
  return words.all;
}

function wordsOfAny(text: string): string[] {
  const words = new Words();
  /** What characters of other alphabets look like. */
  const shapes = new Map<string, string>();
  for (const match of withoutApostrophes(text.replace(INVISIBLE, '').normalize('NFKC').toLowerCase()).matchAll(WORD)) {
    words.add(unleet(latin(match[0].slice(0, MAX_WORD), shapes)), match.index);
  }
  words.flush();
  return words.all;
}

/** Letters of other alphabets that are drawn like Latin ones, in a word that is to be read as Latin. */
function latin(word: string, shapes: Map<string, string>): string {
  if (ASCII.test(word)) return word;
  let shape = '';
  for (const character of word) {
    let drawn = ASCII.test(character) ? character : shapes.get(character);
    if (drawn === undefined) shapes.set(character, (drawn = skeleton(character).toLowerCase()));
    shape += drawn;
  }
  return ASCII.test(shape) ? shape : word;
}

const HAS_LETTER = /[a-z]/;
const HAS_SIGN = /[013457@$]/;

export const unleet = (word: string): string => (HAS_SIGN.test(word) && HAS_LETTER.test(word) ? word.replace(/[013457@$]/g, (sign) => LEET[sign] ?? sign) : word);
