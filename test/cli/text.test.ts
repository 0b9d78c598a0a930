import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printable, printableLines } from '../../core/text.ts';

const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

it('no text of a peer reaches a terminal with a character that it obeys [CMD-2]', () => {
  expect(printable('\u001b[2J\u009b31m\u202eevil\u{e0041}\r\n')).toBe('\\u001b[2J\\u009b31m\\u202eevil\\udb40\\udc41\\u000d\\u000a');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !OBEYED.test(printable(text))));
});

it('text of several lines keeps its lines and tabs, and nothing else that a terminal obeys', () => {
  expect(printableLines('a\tb\r\nc\n\u001b]0;title\u0007')).toBe('a\tb\nc\n\\u001b]0;title\\u0007');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !OBEYED.test(printableLines(text).replaceAll(/[\n\t]/g, ''))));
});

it('JSON that is made harmless for a terminal is the same JSON', () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
    const json = JSON.stringify(value, null, 2);
    expect(JSON.parse(printableLines(json))).toEqual(JSON.parse(json));
  }));
});
