/** Limits held for a call. Reserved whole or not at all, settled in `finally`. */
import type { DecisionRequest } from './decision.ts';

export interface Lease {
  /** Ids of the limits that this call counted against. */
  readonly limits: readonly string[];
  /** Gives back what is held only while the call runs (concurrency). Idempotent. */
  settle(): void;
}

/** What a call used, as far as it is known. */
export interface Spent {
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
  /** The call was not made: nothing was used. Once, and not after `settle`. */
  release(): void;
}

export type BudgetResult =
  | { readonly type: 'granted'; readonly reservation: Reservation }
  | { readonly type: 'exhausted'; readonly budget: string; readonly message: string; readonly retryAfterMs: number };

/** All budgets of one configuration. Synchronous, so that reserving is atomic among parallel calls. */
export interface Budgets {
  readonly count: number;
  /** Never throws: a budget that cannot be counted refuses, naming it. */
  reserve(request: DecisionRequest, nowMs: number): BudgetResult;
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
  /** Never throws: a limit that cannot be evaluated refuses the call, naming the limit. */
  lease(request: DecisionRequest, nowMs: number): LeaseResult;
}
