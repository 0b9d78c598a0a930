/**
 * One count: a rate with a burst, and calls in flight. Integers only, so that its answers are exact.
 * It knows neither keys nor clocks.
 */

export interface Bounds {
  /** `count` calls per `periodMs`, `burst` of them at once. */
  readonly rate?: { readonly count: number; readonly periodMs: number; readonly burst: number };
  readonly concurrent?: number;
}

export interface Bucket {
  /** When `debt` was last brought up to date. */
  atMs: number;
  /** What calls have cost and time has not yet paid back: a call costs `periodMs`, a millisecond pays `count`. */
  debt: number;
  inFlight: number;
}

export const freshBucket = (nowMs: number): Bucket => ({ atMs: nowMs, debt: 0, inFlight: 0 });

export type Refusal = { readonly by: 'rate'; readonly retryAfterMs: number } | { readonly by: 'concurrent' };

/**
 * The generic cell rate algorithm in its leaky bucket form (ITU-T I.371, annex A): a cell conforms while the bucket
 * holds no more than the burst tolerance. Scaled by `count`, so that an interval such as 1000/3 ms stays an integer.
 */
export function refusal(bucket: Bucket, { rate, concurrent }: Bounds, nowMs: number): Refusal | undefined {
  if (rate !== undefined) {
    const excess = debtAt(bucket, rate.count, nowMs) - (rate.burst - 1) * rate.periodMs;
    if (excess > 0) return { by: 'rate', retryAfterMs: Math.ceil(excess / rate.count) };
  }
  if (concurrent !== undefined && bucket.inFlight >= concurrent) return { by: 'concurrent' };
  return undefined;
}

export function take(bucket: Bucket, { rate }: Bounds, nowMs: number): void {
  if (rate !== undefined) bucket.debt = debtAt(bucket, rate.count, nowMs) + rate.periodMs;
  bucket.atMs = nowMs;
  bucket.inFlight += 1;
}

/** As if the call had not been taken. */
export function giveBack(bucket: Bucket, { rate }: Bounds, nowMs: number): void {
  if (rate === undefined) return;
  bucket.debt = Math.max(0, debtAt(bucket, rate.count, nowMs) - rate.periodMs);
  bucket.atMs = nowMs;
}

/** Whether it is like a fresh one, so that forgetting it changes nothing. */
export const isIdle = (bucket: Bucket, { rate }: Bounds, nowMs: number): boolean =>
  bucket.inFlight === 0 && (rate === undefined || debtAt(bucket, rate.count, nowMs) === 0);

const debtAt = (bucket: Bucket, count: number, nowMs: number): number =>
  Math.max(0, bucket.debt - (nowMs - bucket.atMs) * count);
