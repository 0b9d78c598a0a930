/**
 * Circuit breaker: after failures in a row it refuses at once, then lets single calls through to see whether the
 * upstream is back. It counts what the connector calls a failure, never a tool's own error.
 */
import { createBackoff } from './backoff.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface Breaker {
  readonly state: BreakerState;
  /** 0 lets the call through; else how many ms it should wait. A call let through must be told to `record` or `forget`. */
  admit(): number;
  record(succeeded: boolean): void;
  /** The call ended without saying anything of the upstream's health (cancelled, refused by us). */
  forget(): void;
  reset(): void;
}

export interface BreakerOptions {
  readonly now: () => number;
  readonly onChange: () => void;
  readonly failuresToOpen?: number;
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  readonly random?: () => number;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const { now, onChange, failuresToOpen = 5, firstPauseMs = 2_000, longestPauseMs = 30_000 } = options;
  const pauses = createBackoff(firstPauseMs, longestPauseMs, options.random);
  let state: BreakerState = 'closed';
  let failures = 0;
  let openUntil = 0;
  let probing = false;

  function become(next: BreakerState): void {
    if (state === next) return;
    state = next;
    onChange();
  }

  function open(): void {
    openUntil = now() + pauses.next();
    become('open');
  }

  return {
    get state() {
      return state;
    },
    admit() {
      if (state === 'closed') return 0;
      const waitMs = openUntil - now();
      if (state === 'open' && waitMs > 0) return Math.ceil(waitMs);
      if (probing) return firstPauseMs;
      probing = true;
      become('half-open');
      return 0;
    },
    record(succeeded) {
      if (state === 'closed') {
        failures = succeeded ? 0 : failures + 1;
        if (failures >= failuresToOpen) open();
        return;
      }
      // Answers to calls that began before it opened count as well: an upstream that answers is back.
      probing = false;
      if (!succeeded) return void (state === 'half-open' && open());
      failures = 0;
      pauses.reset();
      become('closed');
    },
    forget() {
      if (state === 'half-open') probing = false;
    },
    reset() {
      failures = 0;
      probing = false;
      pauses.reset();
      become('closed');
    },
  };
}
