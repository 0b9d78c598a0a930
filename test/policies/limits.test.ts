import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLossless, type JsonObject } from '../../core/json.ts';
import type { Lease, LeaseResult } from '../../core/lease.ts';
import type { LimitSettings } from '../../core/settings.ts';
import { createLimiter } from '../../policies/index.ts';
import { requestOf } from './support.ts';

const HOUR = 3_600_000;
const perCaller: LimitSettings = { id: 'per-caller', per: ['caller'], rate: { count: 600, periodMs: 60_000 }, burst: 100, concurrent: 20 };
const mail: LimitSettings = { id: 'mail', tools: ['mail/send'], per: ['caller', 'args.to'], rate: { count: 3, periodMs: HOUR } };

function leaseOf(result: LeaseResult): Lease {
  if (result.type !== 'granted') throw new Error(`expected a lease, got: ${result.message}`);
  return result.lease;
}

const sendTo = (to: unknown) => requestOf({ tool: 'mail/send', args: { to } as JsonObject });

test('200 parallel calls against 10 at once admit exactly 10 [PATH-3]', async () => {
  const limiter = createLimiter([{ id: 'ten', per: [], concurrent: 10 }]);
  const results = await Promise.all(Array.from({ length: 200 }, async () => limiter.lease(requestOf(), 1000)));
  expect(results.filter(({ type }) => type === 'granted')).toHaveLength(10);
  expect(results.find(({ type }) => type === 'limited')).not.toHaveProperty('retryAfterMs');
});

test('200 parallel calls against a burst of 10 admit exactly 10', () => {
  const limiter = createLimiter([{ id: 'ten', per: ['caller'], rate: { count: 10, periodMs: 60_000 } }]);
  const results = Array.from({ length: 200 }, () => limiter.lease(requestOf(), 1000));
  expect(results.filter(({ type }) => type === 'granted')).toHaveLength(10);
});

test('a limit on an argument counts that argument [PATH-4]', () => {
  const limiter = createLimiter([mail]);
  for (let sent = 0; sent < 3; sent += 1) expect(limiter.lease(sendTo('a@x'), 0).type).toBe('granted');
  expect(limiter.lease(sendTo('a@x'), 0)).toEqual({ type: 'limited', limit: 'mail', message: expect.stringContaining('mail'), retryAfterMs: HOUR / 3 });
  expect(limiter.lease(sendTo('b@x'), 0).type).toBe('granted');
  expect(limiter.lease(requestOf({ tool: 'mail/send', caller: 'bob', args: { to: 'a@x' } }), 0).type).toBe('granted');
  expect(limiter.lease(requestOf({ tool: 'mail/list', args: { to: 'a@x' } }), 0)).toMatchObject({ lease: { limits: [] } });
});

test('an argument is counted by its value, however it is spelled', () => {
  const same = [
    ['{"to":1}', '{"to":1.0}', '{"to":1e0}'],
    ['{"to":{"a":1,"b":[2]}}', '{"to":{"b":[2.00],"a":1}}', '{"to": {"a":1.0,"b":[2e0]}}'],
    ['{}', '{"other":1}', '{"x":{"to":1}}'],
  ];
  for (const spellings of same) {
    const limiter = createLimiter([{ ...mail, rate: { count: 1, periodMs: HOUR } }]);
    const granted = spellings.map((text) => limiter.lease(requestOf({ tool: 'mail/send', args: parseLossless(text) as JsonObject }), 0).type);
    expect(granted).toEqual(['granted', 'limited', 'limited']);
  }
});

test('different values of an argument never share a count', () => {
  const limiter = createLimiter([{ ...mail, rate: { count: 1, periodMs: HOUR } }]);
  const values = [undefined, 'absent', null, 'null', 1, '1', true, 'true', [], {}, [1], ['1'], 'x'.repeat(100), 'x'.repeat(101)];
  for (const value of values) expect(limiter.lease(sendTo(value), 0).type, JSON.stringify(value)).toBe('granted');
  const hostile = ['{"to":{"__proto__":1}}', '{"to":{"__proto__":2}}', '{"to":{"constructor":1}}'];
  for (const text of hostile) expect(limiter.lease(requestOf({ tool: 'mail/send', args: JSON.parse(text) }), 0).type, text).toBe('granted');
});

test('an inherited property is an absent argument', () => {
  for (const name of ['__proto__', 'constructor', 'toString', '__proto__.x']) {
    const limiter = createLimiter([{ id: 'one', per: [`args.${name}`], rate: { count: 1, periodMs: HOUR } }]);
    expect(limiter.lease(requestOf(), 0).type).toBe('granted');
    expect(limiter.lease(requestOf({ args: { other: {} } }), 0).type).toBe('limited');
  }
});

test('parts of a key cannot imitate each other', () => {
  const limiter = createLimiter([{ id: 'one', per: ['args.a', 'args.b'], rate: { count: 1, periodMs: HOUR } }]);
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.string({ maxLength: 5, unit: fc.constantFrom('"', ',', ':', '1', '3', 'a') }), fc.string({ maxLength: 5, unit: fc.constantFrom('"', ',', ':', '1', '3', 'a') }), (a, b) => {
      const isNew = !seen.has(JSON.stringify([a, b]));
      seen.add(JSON.stringify([a, b]));
      expect(limiter.lease(requestOf({ args: { a, b } }), 0).type).toBe(isNew ? 'granted' : 'limited');
    }),
    { numRuns: 2000 },
  );
});

test('a call that one limit refuses counts against none', () => {
  const wide: LimitSettings = { id: 'wide', per: [], rate: { count: 5, periodMs: HOUR }, concurrent: 5 };
  const limiter = createLimiter([wide, { id: 'narrow', tools: ['a/*'], per: [], rate: { count: 1, periodMs: HOUR } }]);
  leaseOf(limiter.lease(requestOf({ tool: 'a/x' }), 0)).settle();
  for (let at = 0; at < 50; at += 1) expect(limiter.lease(requestOf({ tool: 'a/x' }), 0)).toMatchObject({ limit: 'narrow' });
  for (let at = 0; at < 4; at += 1) expect(limiter.lease(requestOf({ tool: 'b/x' }), 0).type).toBe('granted');
  expect(limiter.lease(requestOf({ tool: 'b/x' }), 0)).toMatchObject({ type: 'limited', limit: 'wide' });
});

test('settling gives a place back exactly once', () => {
  const limiter = createLimiter([{ id: 'two', per: [], concurrent: 2 }]);
  const first = leaseOf(limiter.lease(requestOf(), 0));
  leaseOf(limiter.lease(requestOf(), 0));
  for (let times = 0; times < 3; times += 1) first.settle();
  expect(limiter.lease(requestOf(), 0).type).toBe('granted');
  expect(limiter.lease(requestOf(), 0).type).toBe('limited');
});

test('waiting retryAfterMs admits, one millisecond less does not', () => {
  const rate = fc.record({ count: fc.integer({ min: 1, max: 100_000 }), periodMs: fc.integer({ min: 1, max: 86_400_000 }) });
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 2e12 }), fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 30 }), (rateSetting, burst, start, pauses) => {
      const settings: LimitSettings[] = [{ id: 'one', per: [], rate: rateSetting, burst }];
      const replay = (until: number) => {
        const limiter = createLimiter(settings);
        let now = start;
        for (const pause of pauses) {
          now += pause;
          leaseOf2(limiter.lease(requestOf(), now));
        }
        for (;;) {
          const result = limiter.lease(requestOf(), now);
          if (result.type === 'limited') return { limiter, now, waitMs: result.retryAfterMs ?? Number.NaN };
          if (until-- < 0) return undefined;
        }
      };
      const patient = replay(50);
      const hasty = replay(50);
      if (patient === undefined || hasty === undefined) return;
      expect(patient.waitMs).toBeGreaterThan(0);
      expect(hasty.limiter.lease(requestOf(), hasty.now + hasty.waitMs - 1).type).toBe('limited');
      expect(patient.limiter.lease(requestOf(), patient.now + patient.waitMs).type).toBe('granted');
    }),
  );
});

function leaseOf2(result: LeaseResult): void {
  if (result.type === 'granted') result.lease.settle();
}

test('in any window no more than burst + rate x time is admitted, and no less than the rate is offered', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }),
      (count, periodMs, burst, pauses) => {
        const limiter = createLimiter([{ id: 'one', per: [], rate: { count, periodMs }, burst }]);
        const model = createModel(count, periodMs, burst);
        const admitted: number[] = [];
        let now = 1_700_000_000_000;
        for (const pause of pauses) {
          now += pause;
          const granted = limiter.lease(requestOf(), now).type === 'granted';
          expect(granted).toBe(model(now));
          if (granted) admitted.push(now);
        }
        for (const [first, from] of admitted.entries()) {
          for (const [last, to] of admitted.entries()) {
            if (last >= first) expect((last - first + 1 - burst) * periodMs).toBeLessThanOrEqual((to - from) * count);
          }
        }
      },
    ),
  );
});

/** Tokens as exact fractions of a call: a bucket of `burst` that fills by `count` per `periodMs`. */
function createModel(count: number, periodMs: number, burst: number): (now: number) => boolean {
  const full = BigInt(burst) * BigInt(periodMs);
  let tokens = full;
  let last: number | undefined;
  return (now) => {
    const filled = tokens + BigInt(now - (last ?? now)) * BigInt(count);
    tokens = filled > full ? full : filled;
    last = now;
    if (tokens < BigInt(periodMs)) return false;
    tokens -= BigInt(periodMs);
    return true;
  };
}

test('a clock set back neither locks out nor gives calls away', () => {
  const limiter = createLimiter([{ id: 'one', per: [], rate: { count: 1, periodMs: 1000 }, burst: 1 }]);
  const start = 1_700_000_000_000;
  expect(limiter.lease(requestOf(), start).type).toBe('granted');
  expect(limiter.lease(requestOf(), start - HOUR)).toMatchObject({ type: 'limited', retryAfterMs: 1000 });
  for (let jump = 2; jump < 20; jump += 1) expect(limiter.lease(requestOf(), start - jump * HOUR).type).toBe('limited');
  expect(limiter.lease(requestOf(), start - 19 * HOUR + 999).type).toBe('limited');
  expect(limiter.lease(requestOf(), start - 19 * HOUR + 1000).type).toBe('granted');
});

test('a reload keeps the counts of limits that mean the same, and calls under way settle into them', () => {
  const before = createLimiter([perCaller, mail, { id: 'one', per: [], concurrent: 1 }]);
  const underWay = leaseOf(before.lease(requestOf(), 0));
  for (let sent = 0; sent < 3; sent += 1) leaseOf2(createLimiter([mail], { previous: before }).lease(sendTo('a@x'), 0));
  const after = createLimiter([mail, { id: 'one', per: [], concurrent: 1 }], { previous: before });
  expect(after.lease(sendTo('a@x'), 0)).toMatchObject({ limit: 'mail' });
  expect(after.lease(requestOf(), 0)).toMatchObject({ limit: 'one' });
  underWay.settle();
  expect(after.lease(requestOf(), 0).type).toBe('granted');
});

test('a reload that changes the rate starts that limit anew', () => {
  const before = createLimiter([mail]);
  for (let sent = 0; sent < 3; sent += 1) leaseOf(before.lease(sendTo('a@x'), 0));
  const after = createLimiter([{ ...mail, rate: { count: 4, periodMs: HOUR } }], { previous: before });
  expect(after.lease(sendTo('a@x'), 0).type).toBe('granted');
});

test('counts that are no longer needed are forgotten', () => {
  const limiter = createLimiter([{ ...mail, rate: { count: 1000, periodMs: 1000 } }]);
  for (let at = 0; at < 20_000; at += 1) leaseOf(limiter.lease(sendTo(`${at}@x`), at)).settle();
  expect(limiter.size()).toBeLessThan(100);
});

test('keys beyond the bound share one count, and known keys keep theirs', () => {
  const limiter = createLimiter([{ ...mail, rate: { count: 2, periodMs: HOUR } }], { maxBuckets: 10 });
  for (let at = 0; at < 10; at += 1) expect(limiter.lease(sendTo(`${at}@x`), 0).type).toBe('granted');
  const beyond = Array.from({ length: 1000 }, (_, at) => limiter.lease(sendTo(`new${at}@x`), 0).type);
  expect(beyond.filter((type) => type === 'granted')).toHaveLength(2);
  expect(limiter.lease(sendTo('3@x'), 0).type).toBe('granted');
  expect(limiter.size()).toBe(11);
  expect(limiter.lease(sendTo('later@x'), HOUR).type).toBe('granted');
});

test('arguments that cannot be counted refuse the call and name the limit', () => {
  let deep = '1';
  deep = '['.repeat(100_000) + deep + ']'.repeat(100_000);
  const limiter = createLimiter([mail]);
  expect(limiter.lease(sendTo(JSON.parse(deep)), 0)).toMatchObject({ type: 'limited', limit: 'mail' });
});
