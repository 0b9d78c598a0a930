/**
 * Personal data in a text, replaced: what has a shape that can be checked. Names, addresses and birthdays have none and
 * stay. Linear in the text: each pattern is bounded in length.
 */
import { REDACTED } from '../redact/text.ts';

/** None of the shapes is in a text in which this finds nothing. */
const SUSPECT = /@|\d[\d\s().-]{6}|\d{4}[A-Z]|[A-Z]{2}\d{2}|[A-Z]{3}\s?\d|\d{7}/;

const EMAIL = /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu;
/** ISO 13616. Groups may be set apart by spaces. */
const IBAN = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])/g;
/** ISO/IEC 7812: 13 to 19 digits, in groups or not. */
const CARD = /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w]|\.\d)/g;
/** E.164 with its plus, or the North American form with its separators. A bare run of digits is an id more often. */
const TELEPHONE = /(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}|(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4})(?![\w]|\.\d)/g;

/** National numbers with a check digit or letter: Spain (DNI, NIE), Italy (codice fiscale), France (NIR), Brazil (CPF), Finland (HETU). */
const NATIONAL: readonly (readonly [pattern: RegExp, holds: (text: string) => boolean])[] = [
  [/(?<![A-Za-z0-9])[XYZ\d]\d{7}-?[A-HJ-NP-TV-Z](?![A-Za-z0-9])/g, isSpanish],
  [/(?<![A-Za-z0-9])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])/g, isItalian],
  [/(?<![A-Za-z0-9])[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?![A-Za-z0-9])/g, isFrench],
  [/(?<![A-Za-z0-9])\d{3}\.\d{3}\.\d{3}-\d{2}(?![A-Za-z0-9])/g, isBrazilian],
  [/(?<![A-Za-z0-9])\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y](?![A-Za-z0-9])/g, isFinnish],
];

export interface Replaced {
  readonly text: string;
  readonly count: number;
}

export function redactPersonal(text: string): Replaced {
  if (text.length < 6 || !SUSPECT.test(text)) return { text, count: 0 };
  let count = 0;
  const replace = (from: string, pattern: RegExp, holds: (found: string) => boolean): string =>
    from.replace(pattern, (found) => {
      if (!holds(found)) return found;
      count++;
      return REDACTED;
    });
  let clean = text.includes('@') ? replace(text, EMAIL, always) : text;
  if (!/\d/.test(clean)) return { text: clean, count };
  clean = replace(clean, IBAN, isIban);
  clean = replace(clean, CARD, isCard);
  for (const [pattern, holds] of NATIONAL) clean = replace(clean, pattern, holds);
  return { text: replace(clean, TELEPHONE, isTelephone), count };
}

const always = (): boolean => true;
const digitsOf = (text: string): string => text.replace(/\D/g, '');

/** ISO 7064, MOD 97-10. */
function isIban(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  if (plain.length < 15 || plain.length > 34) return false;
  return remainder((plain.slice(4) + plain.slice(0, 4)).replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55)), 97) === 1;
}

function remainder(digits: string, by: number): number {
  let rest = 0;
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % by;
  return rest;
}

/** Luhn (ISO/IEC 7812-1, annex B), and a first digit that payment cards have. */
function isCard(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^[2-6]/.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = digit * 2;
    sum += at % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const isTelephone = (text: string): boolean => {
  const { length } = digitsOf(text);
  return length >= 8 && length <= 15;
};

function isSpanish(text: string): boolean {
  const number = Number(text.slice(0, 8).replace(/[XYZ]/, (letter) => String('XYZ'.indexOf(letter))));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === text.at(-1);
}

function isFrench(text: string): boolean {
  const digits = digitsOf(text);
  return 97 - remainder(digits.slice(0, 13), 97) === Number(digits.slice(13));
}

function isBrazilian(text: string): boolean {
  const digits = [...digitsOf(text)].map(Number);
  if (new Set(digits).size === 1) return false;
  const check = (count: number): number => (digits.slice(0, count).reduce((sum, digit, at) => sum + digit * (count + 1 - at), 0) * 10) % 11 % 10;
  return check(9) === digits[9] && check(10) === digits[10];
}

function isFinnish(text: string): boolean {
  return '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(text.slice(0, 6) + text.slice(7, 10)) % 31] === text.at(-1);
}

/** Values of the characters at odd places (counted from 1), from the decree of 23 December 1976. */
const ITALIAN_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function isItalian(text: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const code = text.charCodeAt(at);
    const value = code < 58 ? code - 48 : code - 65;
    sum += at % 2 === 0 ? (ITALIAN_ODD[value] as number) : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === text[15];
}
