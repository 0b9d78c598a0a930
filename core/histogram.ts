/** Counts of durations in fixed buckets, cheap enough for the call path: an addition each time, read when somebody asks. */

/** Upper bounds in ms; what is longer than the last has a bucket of its own. */
export const BOUNDS_MS: readonly number[] = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
/** For what a person does. */
export const LONG_BOUNDS_MS: readonly number[] = [1000, 5000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

export interface HistogramReading {
  readonly boundsMs: readonly number[];
  /** How many fell into each bucket alone (not cumulated); one more than there are bounds. */
  readonly counts: ArrayLike<number>;
  readonly sumMs: number;
}

export class Histogram implements HistogramReading {
  readonly boundsMs: readonly number[];
  readonly counts: Float64Array;
  sumMs = 0;

  constructor(boundsMs: readonly number[] = BOUNDS_MS) {
    this.boundsMs = boundsMs;
    this.counts = new Float64Array(boundsMs.length + 1);
  }

  observe(ms: number): void {
    const { boundsMs } = this;
    let at = 0;
    while (at < boundsMs.length && ms > (boundsMs[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sumMs += ms;
  }
}
