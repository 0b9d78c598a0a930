/**
 * What of each budget is used: sums of bookings, of the newest period that was booked on. The same sums come out of the
 * bookings in the ledger, in whatever order calls ended. It knows no limits and no time, and does nothing by itself.
 */
import type { Booking } from '../../core/lease.ts';

export interface BudgetCounts {
  /** What is booked on a key in this period; 0 where nothing is. */
  used(budget: string, key: string, periodStartMs: number): number;
  /** Keys with a count in this period, of one budget and meaning. */
  keysIn(budget: string, meaning: string, periodStartMs: number): ReadonlyMap<string, number>;
  /** Adds, whatever the amount; an older period than the newest is over, and nothing is added to it. */
  book(booking: Booking): void;
  bookings(): Booking[];
  /** Start of the newest period of all, 0 where nothing is booked: time is not before it. */
  newestMs(): number;
}

interface Series {
  readonly budget: string;
  startMs: number;
  used: Map<string, number>;
}

const NONE: ReadonlyMap<string, number> = new Map();

export function createBudgetCounts(): BudgetCounts {
  // By meaning within a budget: all counts of a series have one period, so that the next one clears them at once.
  const series = new Map<string, Series>();

  const keysIn = (budget: string, meaning: string, startMs: number): ReadonlyMap<string, number> => {
    const found = series.get(`${budget} ${meaning}`);
    return found?.startMs === startMs ? found.used : NONE;
  };

  return {
    keysIn,
    used: (budget, key, startMs) => keysIn(budget, meaningIn(key), startMs).get(key) ?? 0,
    book([budget, key, startMs, amount]) {
      const name = `${budget} ${meaningIn(key)}`;
      let found = series.get(name);
      if (found === undefined) series.set(name, (found = { budget, startMs, used: new Map() }));
      if (startMs < found.startMs) return;
      if (startMs > found.startMs) [found.startMs, found.used] = [startMs, new Map()];
      const sum = added(found.used.get(key) ?? 0, amount);
      if (sum === 0) found.used.delete(key);
      else found.used.set(key, sum);
    },
    bookings: () => [...series.values()].flatMap(({ budget, startMs, used }) => [...used].map(([key, amount]): Booking => [budget, key, startMs, amount])),
    newestMs: () => Math.max(0, ...[...series.values()].map(({ startMs }) => startMs)),
  };
}

const meaningIn = (key: string): string => {
  const space = key.indexOf(' ');
  return space === -1 ? key : key.slice(0, space);
};

/** What has grown beyond exact sums stays there: the rest of the period is used up. */
function added(used: number, amount: number): number {
  if (used === Number.MAX_SAFE_INTEGER) return used;
  return Math.min(Math.max(0, used + amount), Number.MAX_SAFE_INTEGER);
}
