/** Calendar periods in UTC: where the one that a moment lies in begins and ends. */
import type { BudgetPeriod } from '../../core/settings.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function startOf(period: BudgetPeriod, nowMs: number): number {
  switch (period) {
    case 'min':
      return nowMs - (nowMs % MINUTE_MS);
    case 'day':
      return nowMs - (nowMs % DAY_MS);
    case 'month': {
      const date = new Date(nowMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    }
  }
}

export function endOf(period: BudgetPeriod, nowMs: number): number {
  switch (period) {
    case 'min':
      return startOf(period, nowMs) + MINUTE_MS;
    case 'day':
      return startOf(period, nowMs) + DAY_MS;
    case 'month': {
      const date = new Date(nowMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    }
  }
}
