/** Fingerprints and the lock file's text: what they keep, what they see, and what they do not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import { fingerprint, reviewedParts } from '../../core/tool.ts';
import { formatLockFile, parseLockFile, pinOf } from '../../gateway/pins/lock-file.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
const definition = fc.record({ name: fc.string({ unit: 'binary' }), description: fc.string({ unit: 'binary' }), inputSchema: fc.dictionary(fc.string(), json), annotations: json, title: fc.string() }, { requiredKeys: ['name', 'inputSchema'] }) as fc.Arbitrary<JsonObject>;

const reversed = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(reversed);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).toReversed().map(([key, inner]) => [key, reversed(inner)])) : value;
};

test('a fingerprint ignores the order of members [PIN-8]', () => {
  fc.assert(fc.property(definition, (one) => void expect(fingerprint(reversed(one) as JsonObject)).toBe(fingerprint(one))));
});

test('two definitions have one fingerprint only where the reviewed parts are the same JSON [PIN-8]', () => {
  fc.assert(fc.property(definition, definition, (a, b) => void expect(fingerprint(a) === fingerprint(b)).toBe(canonicalJson(reviewedParts(a)) === canonicalJson(reviewedParts(b)))));
  fc.assert(
    fc.property(definition, json, fc.constantFrom('description', 'title', 'inputSchema', 'outputSchema', 'annotations'), (one, value, key) => {
      const other = { ...one, [key]: value };
      expect(fingerprint(other) === fingerprint(one)).toBe(canonicalJson(value) === canonicalJson(one[key] ?? null) && one[key] !== undefined);
    }),
  );
});

test('numbers that one double stands for are told apart, and spellings of one number are not [PIN-8]', () => {
  const of = (number: string): string => fingerprint({ name: 'a', inputSchema: parseLossless(`{"maximum":${number},"n":9007199254740993}`) as JsonObject });
  const same = [['1', '1.0', '1e0', '10E-1', '1.000'], ['0', '-0', '0.0', '0e5'], ['100', '1e2', '1.00e+2'], ['0.1', '1e-1', '0.10'], ['1e400', '1e400']];
  for (const spellings of same) expect(new Set(spellings.map(of)).size).toBe(1);
  const different = ['9007199254740992', '9007199254740993', '1e400', '1e401', '-1e400', '0.1', '0.1000000000000000055511151231257827', '1', '-1'];
  expect(new Set(different.map(of)).size).toBe(different.length);
});

test('members that are named like what objects inherit count, and depth does no harm [PIN-8]', () => {
  const of = (schema: string): string => fingerprint({ name: 'a', inputSchema: parseLossless(schema) as JsonObject });
  expect(new Set(['{}', '{"__proto__":{}}', '{"__proto__":{"a":1}}', '{"constructor":{}}', '{"toString":1}'].map(of)).size).toBe(5);
  expect(of(`${'{"a":'.repeat(510)}1${'}'.repeat(510)}`)).toHaveLength(64);
});

test('what is written into a lock file is read from it, whatever the texts hold, and the file shows none of it raw [PIN-6]', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), definition), (tools) => {
      const pinned = new Map(Object.entries(tools).map(([ref, one]) => [ref, pinOf(one)]));
      const text = formatLockFile(pinned);
      expect(text).not.toMatch(/(?![\n])[\p{Cc}\p{Cf}\p{Cs}]/u);
      const read = parseLockFile(text);
      expect(new Set(read.keys())).toEqual(new Set(pinned.keys()));
      for (const [ref, { fingerprint: hash }] of pinned) expect(read.get(ref)?.fingerprint).toBe(hash);
      expect(formatLockFile(read)).toBe(text);
    }),
    { numRuns: 50 },
  );
  const exact = pinOf({ name: 'a', inputSchema: parseLossless('{"maximum":9007199254740993,"minimum":1e400}') as JsonObject });
  expect(parseLockFile(formatLockFile(new Map([['up/a', exact]]))).get('up/a')?.fingerprint).toBe(exact.fingerprint);
});
