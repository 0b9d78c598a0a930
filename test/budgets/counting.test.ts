/** What budgets admit and refuse, of one process and of those after it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Booking, Reservation } from '../../core/lease.ts';
import { createBudgetCounts, createBudgets, createClock } from '../../policies/index.ts';
import { budget, call, counting, granted, NOON, reloaded } from './support.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

test('a budget admits exactly its limit in a period, and says when the next one begins [BUDGET-1]', () => {
  const { reserve } = counting([budget()]);
  for (let count = 0; count < 10; count++) granted(reserve(call(), NOON));
  expect(reserve(call(), NOON)).toEqual({
    type: 'exhausted',
    budget: 'b',
    message: 'budget "b": of 10 calls per day, 10 are used, or held by calls under way',
    retryAfterMs: DAY - (NOON % DAY),
  });
  expect(reserve(call(), NOON - (NOON % DAY) + DAY).type).toBe('granted');
});

test.each([
  ['min', Date.UTC(2026, 1, 28, 23, 59, 59, 999), 1],
  ['day', Date.UTC(2026, 1, 28, 23, 59, 0), MINUTE],
  ['month', Date.UTC(2028, 1, 29, 0, 0, 0), DAY],
  ['month', Date.UTC(2026, 11, 31, 23, 0, 0), 60 * MINUTE],
] as const)('the period %s is the calendar one, in UTC', (period, now, leftMs) => {
  const { reserve } = counting([budget({ period, limit: 1 })]);
  granted(reserve(call(), now));
  expect(reserve(call(), now + leftMs - 1)).toMatchObject({ type: 'exhausted', retryAfterMs: 1 });
  granted(reserve(call(), now + leftMs));
});

test.each([
  ['caller', { caller: 'alice' }, { caller: 'bob' }],
  ['tenant', { tenant: 'acme' }, { tenant: 'other' }],
  ['server', { tool: 'files/read' }, { tool: 'mail/read' }],
  ['tool', { tool: 'files/read' }, { tool: 'files/write' }],
  ['profile', { profile: 'coding' }, {}],
  ['role', { roles: ['dev'] }, { roles: ['ops'] }],
] as const)('per %s each value has a count of its own', (per, one, other) => {
  const { reserve } = counting([budget({ per: [per], limit: 1 })]);
  granted(reserve(call(one as object), NOON));
  expect(reserve(call(one as object), NOON).type).toBe('exhausted');
  granted(reserve(call(other as object), NOON));
  expect(reserve(call(other as object), NOON).type).toBe('exhausted');
});

test('a caller with several roles counts on each of them, and is refused when one is used up', () => {
  const { reserve } = counting([budget({ per: ['role'], limit: 1 })]);
  granted(reserve(call({ roles: ['dev', 'ops'] }), NOON));
  expect(reserve(call({ roles: ['ops'] }), NOON).type).toBe('exhausted');
  granted(reserve(call({ roles: ['lead'] }), NOON));
  expect(reserve(call({ roles: ['lead', 'dev'] }), NOON).type).toBe('exhausted');
});

test('a call is held against all its budgets or none', () => {
  const { reserve, counts } = counting([budget({ id: 'wide', limit: 5 }), budget({ id: 'narrow', limit: 1, tools: ['mail/*'] })]);
  granted(reserve(call({ tool: 'mail/send' }), NOON));
  expect(reserve(call({ tool: 'mail/send' }), NOON)).toMatchObject({ type: 'exhausted', budget: 'narrow' });
  expect(counts.used('wide', 'calls/day', NOON - (NOON % DAY))).toBe(1);
});

test('bytes hold what is reserved and keep what was moved; what is not known stays held', () => {
  const { reserve, counts } = counting([budget({ unit: 'bytes', limit: 1000, reserve: 400 })]);
  const used = (): number => counts.used('b', 'bytes/day', NOON - (NOON % DAY));
  const args = { text: 'grüße' };
  const first = granted(reserve(call({ args }), NOON));
  const second = granted(reserve(call({ args }), NOON));
  expect(reserve(call({ args }), NOON).type).toBe('exhausted');
  const size = Buffer.byteLength(JSON.stringify(args));
  expect(first.settle({ bytes: 100 })).toEqual([['b', 'bytes/day', NOON - (NOON % DAY), 100 + size - 400]]);
  expect(used()).toBe(500 + size);
  expect(second.settle({})).toEqual([]);
  expect(used()).toBe(500 + size);
  // Arguments that are larger than the reserve are held whole.
  expect(reserve(call({ args: { text: 'x'.repeat(600) } }), NOON).type).toBe('exhausted');
});

test('tokens and money are settled with what was really used, money in whole millionths', () => {
  const { reserve, counts } = counting([budget({ id: 't', unit: 'tokens', limit: 5000, reserve: 1000 }), budget({ id: 'm', unit: 'usd', limit: 0.3, reserve: 0.1 })]);
  const start = NOON - (NOON % DAY);
  const calls = [1, 2, 3].map(() => granted(reserve(call(), NOON)));
  // 0.1 + 0.1 + 0.1 is more than 0.3 in doubles.
  expect(counts.used('m', 'usd/day', start)).toBe(300_000);
  expect(reserve(call(), NOON)).toMatchObject({ type: 'exhausted', budget: 'm' });
  for (const one of calls) one.settle({ tokens: 1700, usd: 1e-7 });
  expect(counts.used('t', 'tokens/day', start)).toBe(5100);
  // Less than a millionth counts as one: many small amounts are not nothing.
  expect(counts.used('m', 'usd/day', start)).toBe(3);
  expect(reserve(call(), NOON)).toMatchObject({ type: 'exhausted', budget: 't' });
});

test('figures that are none give nothing back', () => {
  for (const bytes of [-5, Number.NaN, -Infinity]) {
    const { reserve, counts } = counting([budget({ unit: 'bytes', limit: 1000, reserve: 400 })]);
    expect(granted(reserve(call(), NOON)).settle({ bytes })).toEqual([]);
    expect(counts.bookings()).toEqual([['b', 'bytes/day', NOON - (NOON % DAY), 400]]);
  }
  const { reserve } = counting([budget({ unit: 'bytes', limit: 1e15, reserve: 1 })]);
  granted(reserve(call(), NOON)).settle({ bytes: Infinity });
  expect(reserve(call(), NOON).type).toBe('exhausted');
});

test('a clock that is set back gives nothing back, in the process and after it', () => {
  const first = counting([budget({ period: 'min', limit: 2 })]);
  granted(first.reserve(call(), NOON));
  granted(first.reserve(call(), NOON));
  for (const back of [1, MINUTE, DAY, 400 * DAY]) expect(first.reserve(call(), NOON - back).type).toBe('exhausted');
  const second = counting([budget({ period: 'min', limit: 2 })], first.counts.bookings());
  for (const back of [MINUTE, DAY]) expect(second.reserve(call(), NOON - back).type).toBe('exhausted');
  // Nor is it locked until the old time comes round again.
  granted(second.reserve(call(), NOON - DAY + 2 * MINUTE));
});

test('a clock that is set back and forth lets no period go by; time that passes does [FAULT-8]', () => {
  let passedMs = 0;
  const clock = createClock(() => passedMs);
  const budgets = createBudgets([budget({ period: 'day', limit: 1 })], { counts: createBudgetCounts(), clock });
  granted(budgets.reserve(call(), NOON));
  for (const set of [-DAY, 0, -400 * DAY, 0, -DAY, 0]) {
    passedMs += 1000;
    expect(budgets.reserve(call(), NOON + set + passedMs).type).toBe('exhausted');
  }
  passedMs += DAY;
  granted(budgets.reserve(call(), NOON + passedMs));
  // Set forward for the first time it is believed: which of both clocks was wrong nobody knows.
  granted(budgets.reserve(call(), NOON + passedMs + DAY));
});

test('what ends in a later period than it began in changes nothing there', () => {
  const { reserve, counts } = counting([budget({ unit: 'bytes', period: 'min', limit: 1000, reserve: 900 })]);
  const old = granted(reserve(call(), NOON));
  const next = granted(reserve(call(), NOON + MINUTE));
  old.release();
  expect(counts.bookings().map(([, , , amount]) => amount)).toEqual([900]);
  next.release();
  expect(counts.bookings()).toEqual([]);
});

test('counts go on over configurations where their meaning is the same, and begin anew where it is not', () => {
  const counts = createBudgetCounts();
  const clock = createClock();
  const next = (more: object) => createBudgets([budget({ limit: 2, ...more })], { counts, clock });
  granted(next({}).reserve(call(), NOON));
  granted(next({ tools: ['*'] }).reserve(call(), NOON));
  expect(next({}).reserve(call(), NOON).type).toBe('exhausted');
  granted(next({ limit: 3 }).reserve(call(), NOON));
  for (const other of [{ period: 'month' }, { per: ['caller'] }, { unit: 'tokens' }]) granted(next(other).reserve(call(), NOON));
});

test('more keys than are kept share one count, for the rest of the period and in the process after', () => {
  const settings = [budget({ per: ['caller'], limit: 2 })];
  const first = counting(settings, [], { maxKeys: 3 });
  for (const caller of ['a', 'b', 'c', 'd', 'e']) granted(first.reserve(call({ caller }), NOON));
  for (const caller of ['d', 'f', 'g']) expect(first.reserve(call({ caller }), NOON).type).toBe('exhausted');
  granted(first.reserve(call({ caller: 'a' }), NOON));
  const second = counting(settings, first.counts.bookings(), { maxKeys: 3 });
  expect(second.reserve(call({ caller: 'e' }), NOON).type).toBe('exhausted');
  expect(first.counts.bookings()).toHaveLength(4);
  granted(first.reserve(call({ caller: 'd' }), NOON + DAY));
});

test('names that a peer chose cannot be taken for other keys, and are short in records', () => {
  const tools = ['s/a', 's/a per=x', 's/ a', `s/${'x'.repeat(5000)}`, `s/${'x'.repeat(4999)}y`, 's/(others)', 's/#a', 's/\u{1F600}', 's/__proto__', '__proto__/toString'];
  const { reserve, counts } = counting([budget({ per: ['tool', 'caller'], limit: 1 })]);
  for (const tool of tools) granted(reserve(call({ tool }), NOON));
  for (const tool of tools) expect(reserve(call({ tool }), NOON).type).toBe('exhausted');
  for (const [, key] of counts.bookings()) expect(key.length).toBeLessThan(160);
});

test('counts that are not known refuse what a budget is about, and nothing else [BUDGET-4]', () => {
  let problem: string | undefined = 'nobody has counted';
  const { reserve } = createBudgets([budget({ tools: ['mail/*'] })], { counts: createBudgetCounts(), clock: createClock(), problem: () => problem });
  expect(reserve(call({ tool: 'mail/send' }), NOON)).toEqual({ type: 'uncounted', budget: 'b', message: 'budget "b" cannot be counted: nobody has counted' });
  expect(reserve(call({ tool: 'files/read' }), NOON).type).toBe('granted');
  problem = undefined;
  expect(reserve(call({ tool: 'mail/send' }), NOON).type).toBe('granted');
});

type Step =
  | { readonly do: 'reserve'; readonly caller: string; readonly bytes: number }
  | { readonly do: 'settle' | 'release'; readonly which: number; readonly bytes: number }
  | { readonly do: 'restart' }
  | { readonly do: 'reload' }
  | { readonly do: 'time'; readonly ms: number };

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('reserve' as const), caller: fc.constantFrom('a', 'b'), bytes: fc.constant(0) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'release' as const), which: fc.nat(30), bytes: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'restart' as const }, { do: 'reload' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: -2 * MINUTE, max: 2 * MINUTE }) }) },
  ),
  { maxLength: 80 },
);

test('however calls begin, end, are cut off and counted again, no period admits more than its limit [BUDGET-1] [BUDGET-2]', () => {
  fc.assert(
    fc.property(steps, (sequence: Step[]) => {
      const settings = [budget({ id: 'calls', per: ['caller'], limit: 4, period: 'min' }), budget({ id: 'bytes', unit: 'bytes', limit: 200, reserve: 50, period: 'day' })];
      // What a ledger would hold.
      const recorded: Booking[] = [];
      const admitted = new Map<string, number>();
      let open: { reservation: Reservation; place: string }[] = [];
      let now = NOON;
      let process = counting(settings);
      for (const step of sequence) {
        if (step.do === 'time') now += step.ms;
        else if (step.do === 'restart') [process, open] = [counting(settings, recorded), []];
        else if (step.do === 'reload') process = reloaded(process, settings);
        else if (step.do === 'reserve') {
          const result = process.reserve(call({ caller: step.caller }), now);
          if (result.type !== 'granted') continue;
          const [one] = result.reservation.booked;
          const place = `${one?.[1]} ${one?.[2]}`;
          recorded.push(...result.reservation.booked);
          admitted.set(place, (admitted.get(place) ?? 0) + 1);
          open.push({ reservation: result.reservation, place });
          expect(admitted.get(place)).toBeLessThanOrEqual(4);
        } else {
          const [one] = open.splice(step.which % Math.max(1, open.length), 1);
          if (one === undefined) continue;
          const { reservation, place } = one;
          recorded.push(...(step.do === 'settle' ? reservation.settle({ bytes: step.bytes }) : reservation.release()));
          if (step.do === 'release') admitted.set(place, (admitted.get(place) ?? 0) - 1);
          // Again, and the other way: nothing.
          expect([...reservation.settle({ bytes: 0 }), ...reservation.release()]).toEqual([]);
        }
      }
      // What the ledger holds is what the process counts.
      expect(new Set(counting(settings, recorded).counts.bookings())).toEqual(new Set(process.counts.bookings()));
    }),
    { numRuns: 500 },
  );
});
