/**
 * The counts of one limit by key: as many as are in use, never more than a bound, and swept without timers.
 */
import { isIdle, type Bounds, type Bucket } from './bucket.ts';

export interface Buckets {
  /** Beyond the bound, a new key is answered with the key that all such keys share: stricter, never freer. */
  find(key: string, bounds: Bounds, nowMs: number): { readonly key: string; readonly bucket: Bucket | undefined };
  keep(key: string, bucket: Bucket): void;
  forget(key: string): void;
  size(): number;
}

/** Longer than any key of `key.ts` that begins like this, so it is none of them. */
const SHARED_KEY = `shared:${'-'.repeat(1000)}`;
/** Looked at for each key that is new: more than are added, so that sweeping keeps up. */
const SWEPT_PER_NEW_KEY = 4;

export function createBuckets(maxBuckets: number): Buckets {
  const byKey = new Map<string, Bucket>();
  let sweep = byKey.entries();

  const sweepSome = (bounds: Bounds, nowMs: number): void => {
    for (let looked = 0; looked < SWEPT_PER_NEW_KEY; looked += 1) {
      const next = sweep.next();
      if (next.done === true) {
        sweep = byKey.entries();
        return;
      }
      const [key, bucket] = next.value;
      if (isIdle(bucket, bounds, nowMs)) byKey.delete(key);
    }
  };

  return {
    find(key, bounds, nowMs) {
      const bucket = byKey.get(key);
      if (bucket !== undefined) return { key, bucket };
      sweepSome(bounds, nowMs);
      if (byKey.size < maxBuckets) return { key, bucket: undefined };
      return { key: SHARED_KEY, bucket: byKey.get(SHARED_KEY) };
    },
    keep: (key, bucket) => void byKey.set(key, bucket),
    forget: (key) => void byKey.delete(key),
    size: () => byKey.size,
  };
}
