/** Results that are kept for reading on: whose they are, how long, and how many. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeldResults, type HeldResult, type HeldResults, type Owner } from '../../gateway/results/held.ts';
import { pageOf } from '../../gateway/results/page.ts';

const owner = (id: string, profile?: string, tenant = 't'): Owner => ({ principal: { id, tenant, roles: [], proof: 'key' }, profile });
const held = (text: string, bytes = text.length): Omit<HeldResult, 'handle'> => ({ call: 'c1', ref: 'a/b', fingerprint: 'f', args: {}, result: { content: [{ type: 'text', text }] }, text, bytes, maxBytes: 1e9 });
const keep = (results: HeldResults, who: Owner, bytes = 10): string => results.keep(who, held('x', bytes)) ?? '';

test('pages of any size side by side are the text exactly, and none holds half a character that the text holds whole [GUARD-4]', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (text, length) => {
      const results = createHeldResults();
      const kept = results.find(owner('a'), results.keep(owner('a'), held(text)) as string) as HeldResult;
      let whole = '';
      for (let offset = 0; offset < text.length; offset += length) {
        const page = ((pageOf(kept, { offset, length, path: undefined })['content'] as { text: string }[])[0] as { text: string }).text;
        expect(page.isWellFormed()).toBe(true);
        expect(page.length).toBeLessThanOrEqual(length + 1);
        whole += page;
      }
      expect(whole).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test('a result exists for its caller, tenant and profile only, and until its time is over [GUARD-5]', () => {
  let now = 0;
  const results = createHeldResults({ ttlMs: 1000, now: () => now });
  const handle = keep(results, owner('a', 'p'));
  expect(handle).toMatch(/^r_[\w-]{32}$/);
  for (const other of [owner('b', 'p'), owner('a', 'q'), owner('a'), owner('a', 'p', 'u')]) expect(results.find(other, handle)).toBeUndefined();
  now = 999;
  expect(results.find(owner('a', 'p'), handle)?.text).toBe('x');
  now = 1000;
  expect(results.find(owner('a', 'p'), handle)).toBeUndefined();
  keep(results, owner('a', 'p'));
  expect(results.size).toBe(1);
});

test('what is kept is bounded for each caller and in all, and one caller pushes out its own first [GUARD-5]', () => {
  const results = createHeldResults({ maxBytes: 100_000, maxBytesOfOne: 30_000 });
  const ofBob = keep(results, owner('bob'), 8000);
  const ofAlice = Array.from({ length: 20 }, () => keep(results, owner('alice'), 8000));
  expect(results.find(owner('bob'), ofBob)).toBeDefined();
  expect(ofAlice.map((handle) => results.find(owner('alice'), handle) !== undefined)).toEqual(Array.from({ length: 20 }, (_, at) => at >= 17));
  for (let at = 0; at < 30; at++) keep(results, owner(`c${at}`), 8000);
  expect(results.size).toBeLessThanOrEqual(11);
  expect(results.find(owner('bob'), ofBob)).toBeUndefined();
  expect(results.keep(owner('alice'), held('x', 40_000))).toBeUndefined();
});
