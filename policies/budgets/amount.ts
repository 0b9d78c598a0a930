/** Amounts as the counts hold them: whole calls, bytes, tokens and millionths of a dollar, so that sums are exact. */
import type { BudgetUnit } from '../../core/settings.ts';

const MICROS_PER_USD = 1_000_000;
/** What doubles add to a whole number of millionths (1.1 * 1e6 is none) is no millionth more. */
const ROUNDING = 1e-3;

/** At least as much as was given, and whole. @returns undefined for what is no amount */
export function wholeAmount(unit: BudgetUnit, amount: number | undefined): number | undefined {
  if (amount === undefined || !(amount >= 0)) return undefined;
  const exact = unit === 'usd' ? amount * MICROS_PER_USD : amount;
  const nearest = Math.round(exact);
  return Math.min(Math.abs(exact - nearest) < ROUNDING ? nearest : Math.ceil(exact), Number.MAX_SAFE_INTEGER);
}

/** A limit, never more than was written. */
export const wholeLimit = (unit: BudgetUnit, limit: number): number => {
  const exact = unit === 'usd' ? limit * MICROS_PER_USD : limit;
  const nearest = Math.round(exact);
  return Math.min(Math.abs(exact - nearest) < ROUNDING ? nearest : Math.floor(exact), Number.MAX_SAFE_INTEGER - 1);
};

/** As people write it. */
export const shown = (unit: BudgetUnit, amount: number): number => (unit === 'usd' ? amount / MICROS_PER_USD : amount);
