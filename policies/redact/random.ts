/** Whether a text looks drawn at random rather than written: by length, kinds of characters, and how many of them differ. */
const MIN_CHARS = 16;
const MAX_CHARS = 512;
const RUN = /^[A-Za-z0-9+/=_.~-]+$/;
/** So many small letters in a row are a word, nearly always. */
const WORD = /[a-z]{10}/;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
const HEX = /^[\da-f]+$/i;

export function looksRandom(text: string): boolean {
  if (text.length < MIN_CHARS || text.length > MAX_CHARS || !RUN.test(text) || UUID.test(text)) return false;
  // Sixteen kinds of digits at most: half of them is much.
  if (HEX.test(text)) return new Set(text.toLowerCase()).size >= 8;
  return /\d/.test(text) && /[A-Z]/.test(text) && /[a-z]/.test(text) && !WORD.test(text) && new Set(text).size >= 10;
}
