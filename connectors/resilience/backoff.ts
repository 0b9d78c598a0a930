/** Growing pauses with jitter, so that many gateways do not come back to one upstream in step. */
export interface Backoff {
  /** The next pause in ms: doubled each time up to the cap, then between half of it and the whole. */
  next(): number;
  reset(): void;
}

export function createBackoff(firstMs: number, capMs: number, random: () => number = Math.random): Backoff {
  let pauseMs = firstMs;
  return {
    next() {
      const ms = pauseMs;
      pauseMs = Math.min(capMs, pauseMs * 2);
      return Math.round(ms / 2 + (random() * ms) / 2);
    },
    reset() {
      pauseMs = firstMs;
    },
  };
}
