/** How often and how long, as configurations write it: `600/min`, `10min`. */
export const RATE = /^([1-9][0-9]{0,8})\/(s|sec|second|min|minute|h|hour|d|day)$/;

const PERIOD_MS: Readonly<Record<string, number>> = {
  s: 1000, sec: 1000, second: 1000, min: 60_000, minute: 60_000, h: 3_600_000, hour: 3_600_000, d: 86_400_000, day: 86_400_000,
};

/** `10min` as a whole number and a unit. */
export const DURATION = /^(0|[1-9][0-9]{0,8})(ms|s|sec|second|min|minute|h|hour|d|day)$/;

/** @returns milliseconds; undefined for what does not match `DURATION` */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  const unitMs = unit === 'ms' ? 1 : PERIOD_MS[unit];
  return count === undefined || unitMs === undefined ? undefined : Number(count) * unitMs;
}

export function parseRate(text: string): { count: number; periodMs: number } | undefined {
  const [, count, period = ''] = RATE.exec(text) ?? [];
  const periodMs = PERIOD_MS[period];
  return count === undefined || periodMs === undefined ? undefined : { count: Number(count), periodMs };
}
