/**
 * Time that only goes forward. Where the machine's clock is set back, it goes on from where it was, so that no count
 * is locked until the old time comes round again, and none is paid back twice.
 */

export interface Clock {
  /** Whole milliseconds, never less than before. */
  read(nowMs: number): number;
  last(): number;
}

export function createClock(): Clock {
  let last = 0;
  let offset = 0;
  return {
    read(nowMs) {
      const now = Math.floor(nowMs) + offset;
      if (now >= last) return (last = now);
      if (Number.isNaN(now)) return last;
      offset += last - now;
      return last;
    },
    last: () => last,
  };
}
