/**
 * A text as the words that a model would read in it: case, look-alikes, invisible characters, digits for letters and
 * spaced-out letters undone. Linear in the text; what the words mean is said elsewhere.
 */
import { skeleton } from '../names/skeleton.ts';

/** Letters, digits and marks hold a word together; so do the signs that stand for letters. */
const WORD = /[\p{L}\p{N}\p{M}@$]+/gu;
const PLAIN_WORD = /[a-z0-9@$]+/g;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const ASCII = /^\p{ASCII}*$/u;
const APOSTROPHES = /(?<=[a-z])['’ʼ`](?=[a-z])/g;
/** A longer run of letters is no word, and is looked at as far as this. */
const MAX_WORD = 256;
const LEET: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' };

export function wordsOf(text: string): string[] {
  const isPlain = ASCII.test(text);
  const lower = (isPlain ? text : text.replace(INVISIBLE, '').normalize('NFKC')).toLowerCase().replace(APOSTROPHES, '');
  const words: string[] = [];
  /** What characters of other alphabets look like. */
  const shapes = new Map<string, string>();
  let letters = '';
  let lettersEnd = -2;
  const flush = (): void => {
    if (letters !== '') words.push(letters);
    letters = '';
  };
  for (const match of lower.matchAll(isPlain ? PLAIN_WORD : WORD)) {
    const word = isPlain ? match[0].slice(0, MAX_WORD) : latin(match[0].slice(0, MAX_WORD), shapes);
    if (word.length === 1) {
      // Letters with one sign between each: "i g n o r e", "i.g.n.o.r.e".
      if (match.index !== lettersEnd + 1) flush();
      letters += unleet(word);
      lettersEnd = match.index + 1;
      if (letters.length >= MAX_WORD) flush();
      continue;
    }
    flush();
    words.push(unleet(word));
  }
  flush();
  return words;
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
