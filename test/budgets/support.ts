import type { DecisionRequest } from '../../core/decision.ts';
import type { Booking, BudgetResult, Budgets, Reservation } from '../../core/lease.ts';
import type { BudgetSettings } from '../../core/settings.ts';
import { createBudgetCounts, createBudgets, createClock, type BudgetCounts, type Clock } from '../../policies/index.ts';
import { requestOf, type RequestParts } from '../policies/support.ts';

/** The afternoon of an ordinary day. */
export const NOON = Date.UTC(2026, 10, 22, 12, 0, 30);

export const budget = (more: Partial<BudgetSettings> = {}): BudgetSettings => ({ id: 'b', unit: 'calls', limit: 10, period: 'day', per: [], ...more });

export interface Counting extends Budgets {
  readonly counts: BudgetCounts;
  readonly clock: Clock;
}

/** @param before bookings of an earlier process */
export function counting(settings: readonly BudgetSettings[], before: readonly Booking[] = [], more: { maxKeys?: number } = {}): Counting {
  const counts = createBudgetCounts();
  for (const booking of before) counts.book(booking);
  const clock = createClock();
  clock.read(counts.newestMs());
  return { ...createBudgets(settings, { counts, clock, ...more }), counts, clock };
}

/** The same counts under another configuration. */
export const reloaded = ({ counts, clock }: Counting, settings: readonly BudgetSettings[]): Counting => ({ ...createBudgets(settings, { counts, clock }), counts, clock });

export const call = (parts: RequestParts = {}): DecisionRequest => requestOf(parts);

export function granted(result: BudgetResult): Reservation {
  if (result.type !== 'granted') throw new Error(`expected to be granted, was ${result.type}: ${result.message}`);
  return result.reservation;
}
