/** `600/min` as a count and a period. */
export const RATE = /^([1-9][0-9]{0,8})\/(s|sec|second|min|minute|h|hour|d|day)$/;

const PERIOD_MS: Readonly<Record<string, number>> = {
  s: 1000, sec: 1000, second: 1000, min: 60_000, minute: 60_000, h: 3_600_000, hour: 3_600_000, d: 86_400_000, day: 86_400_000,
};

export function parseRate(text: string): { count: number; periodMs: number } | undefined {
  const [, count, period = ''] = RATE.exec(text) ?? [];
  const periodMs = PERIOD_MS[period];
  return count === undefined || periodMs === undefined ? undefined : { count: Number(count), periodMs };
}
