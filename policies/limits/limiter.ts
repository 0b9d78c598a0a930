/**
 * All limits of one configuration. A call is counted against every limit that is about it, or against none.
 * Nothing here runs by itself: time comes with each call, and what is no longer needed is forgotten on the way.
 */
import type { DecisionRequest } from '../../core/decision.ts';
import { canonicalJson } from '../../core/json.ts';
import type { LeaseResult, Limiter } from '../../core/lease.ts';
import { compilePatterns, type Matcher } from '../../core/pattern.ts';
import type { LimitSettings } from '../../core/settings.ts';
import { freshBucket, giveBack, isIdle, refusal, take, type Bounds, type Bucket, type Refusal } from './bucket.ts';
import { createClock, type Clock } from './clock.ts';
import { compileKey, type KeyOf } from './key.ts';
import { createBuckets, type Buckets } from './buckets.ts';

export interface LimiterOptions {
  /** The limiter of the configuration before: its counts go on where a limit's id, `per` and `rate` are the same. */
  readonly previous?: ReloadableLimiter;
  /** Counts kept for one limit; calls with further keys share one count. */
  readonly maxBuckets?: number;
}

export interface ReloadableLimiter extends Limiter {
  readonly clock: Clock;
  readonly counts: ReadonlyMap<string, Counts>;
  /** Counts kept now, over all limits. */
  size(): number;
}

/** One limit's counts; shared between configurations, so that a call settles where it was counted. */
interface Counts {
  readonly meaning: string;
  readonly buckets: Buckets;
}

interface Limit {
  readonly settings: LimitSettings;
  readonly tools: Matcher;
  readonly bounds: Bounds;
  readonly keyOf: KeyOf;
  readonly buckets: Buckets;
}

interface Place {
  readonly limit: Limit;
  readonly key: string;
  readonly bucket: Bucket;
}

const MAX_BUCKETS = 100_000;

export function createLimiter(settings: readonly LimitSettings[], options: LimiterOptions = {}): ReloadableLimiter {
  const { previous, maxBuckets = MAX_BUCKETS } = options;
  const clock = previous?.clock ?? createClock();
  const counts = new Map<string, Counts>();
  const limits = settings.map((limit): Limit => {
    const meaning = canonicalJson({ per: limit.per, rate: limit.rate });
    const kept = previous?.counts.get(limit.id);
    const own = kept?.meaning === meaning ? kept : { meaning, buckets: createBuckets(maxBuckets) };
    counts.set(limit.id, own);
    return compileLimit(limit, own.buckets);
  });

  return {
    clock,
    counts,
    size: () => [...counts.values()].reduce((sum, { buckets }) => sum + buckets.size(), 0),
    lease(request, nowMs) {
      const now = clock.read(nowMs);
      const places: Place[] = [];
      let worst: { limit: Limit; refused: Refusal } | undefined;
      for (const limit of limits) {
        if (!appliesTo(limit, request)) continue;
        const place = findPlace(limit, request, now);
        if (place === undefined) return unusable(limit);
        const refused = refusal(place.bucket, limit.bounds, now);
        if (refused !== undefined && isWorse(refused, worst?.refused)) worst = { limit, refused };
        places.push(place);
      }
      if (worst !== undefined) return limited(worst.limit, worst.refused);
      for (const { limit, key, bucket } of places) {
        take(bucket, limit.bounds, now);
        limit.buckets.keep(key, bucket);
      }
      return granted(places, clock);
    },
  };
}

function compileLimit(settings: LimitSettings, buckets: Buckets): Limit {
  const { rate, burst, concurrent } = settings;
  return {
    settings,
    tools: compilePatterns(settings.tools),
    bounds: {
      ...(rate === undefined ? {} : { rate: { ...rate, burst: Math.max(1, burst ?? rate.count) } }),
      ...(concurrent === undefined ? {} : { concurrent }),
    },
    keyOf: compileKey(settings.per),
    buckets,
  };
}

function appliesTo({ settings: { callers, roles }, tools }: Limit, { principal, route }: DecisionRequest): boolean {
  if (callers !== undefined && !callers.includes(principal.id)) return false;
  if (roles !== undefined && !roles.some((role) => principal.roles.includes(role))) return false;
  return tools(route.ref);
}

/** `undefined` where the key cannot be made, e.g. of arguments nested too deep. */
function findPlace(limit: Limit, request: DecisionRequest, now: number): Place | undefined {
  let key: string;
  try {
    key = limit.keyOf(request);
  } catch {
    return undefined;
  }
  const found = limit.buckets.find(key, limit.bounds, now);
  return { limit, key: found.key, bucket: found.bucket ?? freshBucket(now) };
}

/** The longest wait is told, so that whoever waits it out is admitted; a wait before "when another call ends". */
function isWorse(refused: Refusal, than: Refusal | undefined): boolean {
  if (than === undefined) return true;
  if (refused.by === 'concurrent') return false;
  return than.by === 'concurrent' || refused.retryAfterMs > than.retryAfterMs;
}

function granted(places: readonly Place[], clock: Clock): LeaseResult {
  let held = true;
  const end = (wasMade: boolean): void => {
    if (!held) return;
    held = false;
    for (const { limit, key, bucket } of places) {
      bucket.inFlight -= 1;
      if (!wasMade) giveBack(bucket, limit.bounds, clock.last());
      if (isIdle(bucket, limit.bounds, clock.last())) limit.buckets.forget(key);
    }
  };
  return {
    type: 'granted',
    lease: { limits: places.map(({ limit }) => limit.settings.id), settle: () => end(true), release: () => end(false) },
  };
}

function limited({ settings: { id }, bounds }: Limit, refused: Refusal): LeaseResult {
  if (refused.by === 'concurrent') {
    return { type: 'limited', limit: id, message: `limit "${id}": ${bounds.concurrent} calls at once are under way already` };
  }
  const { count = 0, periodMs = 0 } = bounds.rate ?? {};
  return {
    type: 'limited',
    limit: id,
    message: `limit "${id}": ${count} calls per ${periodMs / 1000} s are used up`,
    retryAfterMs: refused.retryAfterMs,
  };
}

const unusable = ({ settings: { id } }: Limit): LeaseResult => ({
  type: 'limited',
  limit: id,
  message: `limit "${id}" cannot count these arguments`,
});
