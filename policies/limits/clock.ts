/**
 * Time that only goes forward. Where the machine's clock is set back, it goes on from where it was, so that no count
 * is locked until the old time comes round again, and none is paid back twice.
 */

export interface Clock {
  /** Whole milliseconds, never less than before. */
  read(nowMs: number): number;
  last(): number;
}

/** Less than this is no jump: both clocks are read one after the other, and the one is slewed against the other. */
const SLACK_MS = 1000;

/**
 * @param steady milliseconds of a clock that nobody sets: tells a clock that is set forward again from time that passes, so
 * that setting it back and forth lets no period go by
 */
export function createClock(steady?: () => number): Clock {
  let last = 0;
  let offset = 0;
  let lastGiven = 0;
  let lastSteady = 0;

  function takeBack(nowMs: number): void {
    const steadyMs = steady?.() ?? 0;
    const jumpMs = nowMs - lastGiven - (steadyMs - lastSteady);
    if (offset > 0 && jumpMs > SLACK_MS) offset = Math.max(0, offset - Math.floor(jumpMs));
    [lastGiven, lastSteady] = [nowMs, steadyMs];
  }

  return {
    read(nowMs) {
      if (steady !== undefined) takeBack(nowMs);
      const now = Math.floor(nowMs) + offset;
      if (now >= last) return (last = now);
      if (Number.isNaN(now)) return last;
      offset += last - now;
      return last;
    },
    last: () => last,
  };
}
