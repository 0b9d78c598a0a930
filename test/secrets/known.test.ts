/** Hiding values that are known exactly, whatever stands around them. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKnownSecrets, createRedactor } from '../../policies/index.ts';

test('a known value is found wherever it stands, beside and within others, and nothing else is touched [SECRET-1]', () => {
  const secrets = fc.array(fc.string({ minLength: 8, maxLength: 400, unit: fc.constantFrom('a', 'b', 'C', '1', '"', '\\', '/', 'ü', ' ') }).filter((text) => text.trim().length >= 8), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (values, before, after) => {
      const known = createKnownSecrets();
      for (const value of values) known.add(value);
      for (const value of values) {
        const bare = value.trim();
        for (const form of [bare, JSON.stringify(bare).slice(1, -1), encodeURIComponent(bare)]) expect(known.hide(`${before}${form}${after}`)).not.toContain(form);
        expect(known.hide(values.join(after))).not.toContain(bare);
      }
      expect(createKnownSecrets().hide(before)).toBe(before);
    }),
    { numRuns: 300 },
  );
});

test('a text without known values is returned as it is', () => {
  const known = createKnownSecrets();
  for (let index = 0; index < 500; index++) known.add(`value-${index * 7919}-of-many`);
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => known.hide(text) === text));
  expect(known.hide('value-7919-of-man')).toBe('value-7919-of-man');
});

test('a value that was cut off is hidden too, once it is long enough to be no coincidence', () => {
  const known = createKnownSecrets();
  const value = 'Zq8xWv3Rt7Yp1Lk5Mn9Bs2Dh6Jf4';
  known.add(value);
  for (let end = 20; end <= value.length; end++) expect(known.hide(`told: ${value.slice(0, end)}`)).toBe('told: [redacted]');
});

test('short values are none, and what is kept is bounded', () => {
  const known = createKnownSecrets();
  known.add('short');
  expect(known.size).toBe(0);
  for (let index = 0; index < 20_000; index++) known.add(`value-number-${index}`);
  expect(known.size).toBeLessThanOrEqual(5000);
  expect(known.hide('value-number-19999')).toBe('[redacted]');
});

test.each([
  ['license', 'kJ8sd72Hs9Fk20sLq83Z', true],
  ['signing_key', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', true],
  ['key', 'user-settings', false],
  ['key', 'cache-key-2026-11-22', false],
  ['value', '550e8400-e29b-41d4-a716-446655440000', false],
  ['sha256', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', false],
  ['fileId', '1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms', false],
])('under "%s", %s is hidden: %s', (name, value, hidden) => {
  const { redact } = createRedactor({ extraNames: [] });
  expect(redact({ [name]: value })).toEqual({ [name]: hidden ? '[redacted]' : value });
});
