/** Limits held for a call. Reserved whole or not at all, settled in `finally`. */
import type { DecisionRequest } from './decision.ts';

export interface Lease {
  /** Ids of the limits that this call counted against. */
  readonly limits: readonly string[];
  /** Gives back what is held only while the call runs (concurrency). Idempotent. */
  settle(): void;
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
