/**
 * All budgets of one configuration: a call is held against every count that it belongs to, or against none. The counts
 * outlive the configuration; where they are not known (yet), what a budget is about is refused.
 */
import type { DecisionRequest } from '../../core/decision.ts';
import type { BudgetResult, BudgetUsage, Budgets, Booking, Reservation, Spent } from '../../core/lease.ts';
import { compilePatterns, type Matcher } from '../../core/pattern.ts';
import type { BudgetSettings } from '../../core/settings.ts';
import type { Clock } from '../limits/clock.ts';
import { shown, wholeAmount, wholeLimit } from './amount.ts';
import type { BudgetCounts } from './counts.ts';
import { compileKeys, meaningOf, othersKey, type KeysOf } from './key.ts';
import { endOf, startOf } from './period.ts';

export interface BudgetsOptions {
  readonly counts: BudgetCounts;
  /** Goes on over configurations, as the counts do. */
  readonly clock: Clock;
  /** Why the counts are not known, in words; `undefined` once they are. */
  readonly problem?: () => string | undefined;
  /** Counts kept of one budget; calls with further keys share one. */
  readonly maxKeys?: number;
}

interface Budget {
  readonly settings: BudgetSettings;
  readonly tools: Matcher;
  readonly keysOf: KeysOf;
  /** In whole units of the count. */
  readonly limit: number;
  readonly reserve: number;
}

interface Held {
  readonly budget: Budget;
  readonly booking: Booking;
}

const MAX_KEYS = 100_000;
const MAX_SHOWN = 5;
const DEFAULT_RESERVED_BYTES = 65_536;
const WORDS = { min: 'minute', day: 'day', month: 'month' } as const;

export function createBudgets(settings: readonly BudgetSettings[], options: BudgetsOptions): Budgets {
  const { counts, clock, problem, maxKeys = MAX_KEYS } = options;
  const budgets = settings.map(compileBudget);

  /** The keys that a call is counted by. Beyond the bound, for the rest of the period, all further keys are one. */
  function keysFor({ settings: budget, keysOf }: Budget, request: DecisionRequest, startMs: number): Iterable<string> {
    const kept = counts.keysIn(budget.id, meaningOf(budget), startMs);
    const others = othersKey(budget);
    const isFull = kept.size >= maxKeys || kept.has(others);
    const keys = keysOf(request);
    return isFull ? new Set(keys.map((key) => (kept.has(key) ? key : others))) : keys;
  }

  function reserve(request: DecisionRequest, nowMs: number): BudgetResult {
    const now = clock.read(nowMs);
    const held: Held[] = [];
    let worst: (BudgetResult & { type: 'exhausted' }) | undefined;
    for (const budget of budgets) {
      if (!appliesTo(budget, request)) continue;
      const unknown = problem?.();
      if (unknown !== undefined) return uncounted(budget, unknown);
      const startMs = startOf(budget.settings.period, now);
      try {
        const amount = heldBy(budget, request);
        for (const key of keysFor(budget, request, startMs)) {
          const used = counts.used(budget.settings.id, key, startMs);
          if (used >= budget.limit || used + amount > budget.limit) worst = longer(worst, exhausted(budget, used, now));
          held.push({ budget, booking: [budget.settings.id, key, startMs, amount] });
        }
      } catch {
        return uncounted(budget, 'these arguments cannot be measured');
      }
    }
    if (worst !== undefined) return worst;
    for (const { booking } of held) counts.book(booking);
    return { type: 'granted', reservation: held.length === 0 ? NOTHING_HELD : reservation(held, request, counts) };
  }

  return {
    count: budgets.length,
    reserve,
    usage(nowMs) {
      const now = clock.read(nowMs);
      return budgets.map((budget) => usageOf(budget, counts, now));
    },
  };
}

function compileBudget(settings: BudgetSettings): Budget {
  const { unit } = settings;
  const reserve = unit === 'calls' ? 1 : (settings.reserve ?? (unit === 'bytes' ? DEFAULT_RESERVED_BYTES : 0));
  return {
    settings,
    tools: compilePatterns(settings.tools),
    keysOf: compileKeys(settings),
    limit: wholeLimit(unit, settings.limit),
    reserve: Math.max(1, wholeAmount(unit, reserve) ?? Number.MAX_SAFE_INTEGER),
  };
}

function appliesTo({ settings: { callers, roles, profiles }, tools }: Budget, { principal, route, profile }: DecisionRequest): boolean {
  if (callers !== undefined && !callers.includes(principal.id)) return false;
  if (roles !== undefined && !roles.some((role) => principal.roles.includes(role))) return false;
  if (profiles !== undefined && (profile === undefined || !profiles.includes(profile))) return false;
  return tools(route.ref);
}

/** What is certain already is held at least: the arguments have been sent when the answer comes. */
const heldBy = ({ settings: { unit }, reserve }: Budget, request: DecisionRequest): number =>
  unit === 'bytes' ? Math.max(reserve, argumentBytes(request)) : reserve;

const argumentBytes = ({ args }: DecisionRequest): number => Buffer.byteLength(JSON.stringify(args));

const NOTHING_HELD: Reservation = { booked: [], settle: () => [], release: () => [] };

function reservation(held: readonly Held[], request: DecisionRequest, counts: BudgetCounts): Reservation {
  let open = true;
  const end = (amountOf: (held: Held) => number): readonly Booking[] => {
    if (!open) return [];
    open = false;
    const changes: Booking[] = [];
    for (const one of held) {
      const [budget, key, startMs, amount] = one.booking;
      const change = amountOf(one) - amount;
      if (change !== 0) changes.push([budget, key, startMs, change]);
    }
    for (const change of changes) counts.book(change);
    return changes;
  };
  return {
    booked: held.map(({ booking }) => booking),
    settle: (spent) => end((one) => usedBy(one, request, spent)),
    release: () => end(() => 0),
  };
}

/** What is not known stays as it was held. */
function usedBy({ budget: { settings }, booking: [, , , held] }: Held, request: DecisionRequest, { bytes, tokens, usd }: Spent): number {
  switch (settings.unit) {
    case 'calls':
      return held;
    case 'bytes': {
      const answer = wholeAmount('bytes', bytes);
      return answer === undefined ? held : answer + argumentBytes(request);
    }
    case 'tokens':
      return wholeAmount('tokens', tokens) ?? held;
    case 'usd':
      return wholeAmount('usd', usd) ?? held;
  }
}

type Exhausted = BudgetResult & { type: 'exhausted' };

function exhausted({ settings: { id, unit, limit, period } }: Budget, used: number, now: number): Exhausted {
  const why = used === 0 ? 'this call alone needs more' : `${shown(unit, used)} are used, or held by calls under way`;
  return {
    type: 'exhausted',
    budget: id,
    message: `budget "${id}": of ${limit} ${unit} per ${WORDS[period]}, ${why}`,
    retryAfterMs: endOf(period, now) - now,
  };
}

/** The longest wait is told, so that whoever waits it out finds every budget fresh. */
const longer = (a: Exhausted | undefined, b: Exhausted): Exhausted => (a !== undefined && a.retryAfterMs >= b.retryAfterMs ? a : b);

const uncounted = ({ settings: { id } }: Budget, why: string): BudgetResult => ({ type: 'uncounted', budget: id, message: `budget "${id}" cannot be counted: ${why}` });

function usageOf({ settings, settings: { id, unit, limit, period, per } }: Budget, counts: BudgetCounts, now: number): BudgetUsage {
  const keys = counts.keysIn(id, meaningOf(settings), startOf(period, now));
  const most = [...keys].sort(([, a], [, b]) => b - a).slice(0, MAX_SHOWN);
  return {
    id,
    unit,
    limit,
    period,
    per,
    endsAt: endOf(period, now),
    keys: keys.size,
    most: most.map(([key, used]) => ({ key: key.slice(meaningOf(settings).length + 1), used: shown(unit, used) })),
  };
}
