/** Limits held for a call. Reserved whole or not at all, settled in `finally`. */
import type { DecisionRequest } from './decision.ts';
import type { BudgetPeriod, BudgetUnit } from './settings.ts';

export interface Lease {
  /** Ids of the limits that this call counted against. */
  readonly limits: readonly string[];
  /** Gives back what is held only while the call runs (concurrency). Idempotent. */
  settle(): void;
  /** The call was not made: what it counted against rates is given back too. Once, in place of `settle`. */
  release(): void;
}

/** What a call used, as far as it is known: what is absent stays as it was held. */
export interface Spent {
  /** Of the answer; the bytes of the arguments are known from the request. */
  readonly bytes?: number;
  readonly tokens?: number;
  readonly usd?: number;
}

/** One count that a call was booked on: the budget's id, the count's key within it, the period's start, the amount. */
export type Booking = readonly [budget: string, key: string, periodStartMs: number, amount: number];

/** What is held of the budgets for one call. */
export interface Reservation {
  /** Goes into the intent, so that the counts can be made again from the ledger; empty where no budget applies. */
  readonly booked: readonly Booking[];
  /** The call has ended: what it really used replaces what was held. Returns the differences, for the outcome. Once. */
  settle(spent: Spent): readonly Booking[];
  /** The call was certainly not made: nothing was used. Returns the differences too. Nothing happens after `settle`. */
  release(): readonly Booking[];
}

export type BudgetResult =
  | { readonly type: 'granted'; readonly reservation: Reservation }
  /** `retryAfterMs` lasts until the period ends. */
  | { readonly type: 'exhausted'; readonly budget: string; readonly message: string; readonly retryAfterMs: number }
  /** What was used before is not known: refused until it is. */
  | { readonly type: 'uncounted'; readonly budget: string; readonly message: string };

/** How a budget stands, for the operator. */
export interface BudgetUsage {
  readonly id: string;
  readonly unit: BudgetUnit;
  readonly limit: number;
  readonly period: BudgetPeriod;
  readonly per: readonly string[];
  /** Epoch milliseconds: when the period ends. */
  readonly endsAt: number;
  /** How many counts there are. */
  readonly keys: number;
  /** Those with the most used, most first; what calls under way hold is counted as used. */
  readonly most: readonly { readonly key: string; readonly used: number }[];
}

/** All budgets of one configuration. Synchronous, so that reserving is atomic among parallel calls. */
export interface Budgets {
  readonly count: number;
  /** Never throws: a budget that cannot be counted refuses, naming it. */
  reserve(request: DecisionRequest, nowMs: number): BudgetResult;
  usage(nowMs: number): BudgetUsage[];
}

export type LeaseResult =
  | { readonly type: 'granted'; readonly lease: Lease }
  | {
      readonly type: 'limited';
      readonly limit: string;
      readonly message: string;
      /** When trying again may succeed; absent where only another call's end frees a place. */
      readonly retryAfterMs?: number;
    };

/** All limits of one configuration. Synchronous, so that reserving is atomic among parallel calls. */
export interface Limiter {
  /** `nowMs`: of a clock that nobody sets. Never throws: a limit that cannot be evaluated refuses the call, naming the limit. */
  lease(request: DecisionRequest, nowMs: number): LeaseResult;
}
