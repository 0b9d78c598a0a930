/** What is sealed comes back whole, from nobody else, for nothing else, and not for longer than it was meant to. */
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { createSealer } from '../../gateway/seal.ts';

const NOW = 1_800_000_000_000;
const sealer = createSealer(randomBytes(32));
const json = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;

test('what was sealed is opened unchanged, and its text tells nothing', () => {
  fc.assert(
    fc.property(json, (value) => {
      const sealed = sealer.seal('a', { value }, NOW + 1);
      expect(sealed).toMatch(/^[\w-]+$/);
      expect(sealer.open('a', sealed, NOW)).toEqual({ type: 'opened', value: JSON.parse(JSON.stringify({ value })) });
    }),
  );
  expect(sealer.seal('a', {}, NOW)).not.toBe(sealer.seal('a', {}, NOW));
});

test('its time ends at the very millisecond', () => {
  const sealed = sealer.seal('a', {}, NOW);
  expect(sealer.open('a', sealed, NOW - 1).type).toBe('opened');
  expect(sealer.open('a', sealed, NOW).type).toBe('expired');
});

test('for another purpose, with another key, or in another version it does not open', () => {
  const sealed = sealer.seal('a', {}, NOW + 1);
  expect(sealer.open('b', sealed, NOW)).toEqual({ type: 'invalid' });
  expect(createSealer(randomBytes(32)).open('a', sealed, NOW)).toEqual({ type: 'invalid' });
  const bytes = Buffer.from(sealed, 'base64url');
  bytes[0] = 2;
  expect(sealer.open('a', bytes.toString('base64url'), NOW)).toEqual({ type: 'invalid' });
});

test('one changed bit, a cut, an addition, or another way of writing the same bytes: none opens', () => {
  const sealed = sealer.seal('a', { secret: 'x'.repeat(50) }, NOW + 1);
  const bytes = Buffer.from(sealed, 'base64url');
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const altered = Buffer.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(sealer.open('a', altered.toString('base64url'), NOW)).toEqual({ type: 'invalid' });
    }),
  );
  for (const text of [sealed.slice(0, -1), `${sealed}A`, `${sealed}=`, ` ${sealed}`, `${sealed.slice(0, 9)}\n${sealed.slice(9)}`, bytes.toString('base64'), bytes.toString('hex')]) {
    if (text !== sealed) expect(sealer.open('a', text, NOW)).toEqual({ type: 'invalid' });
  }
});

test('nothing that it is given makes it throw', () => {
  fc.assert(fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.base64String()), (given) => void expect(sealer.open('a', given, NOW)).toEqual({ type: 'invalid' })));
  expect(sealer.open('a', 'A'.repeat(10_000_000), NOW)).toEqual({ type: 'invalid' });
});
