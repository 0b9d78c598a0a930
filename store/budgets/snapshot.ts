/**
 * The counts of budgets up to one record of the ledger, in a file that is whole or not there. It only saves time: whatever
 * is wrong with it, the ledger has all of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Booking } from '../../core/lease.ts';
import { replacePrivateFile } from '../files.ts';
import { checked, type LedgerPoint } from './bookings.ts';

const SNAPSHOT_FILE = 'budgets.json';
const VERSION = 1;

export interface BudgetSnapshot {
  /** The last record that is counted. */
  readonly point: LedgerPoint;
  readonly bookings: readonly Booking[];
}

/** `undefined` where there is none that can be used. */
export function readBudgetSnapshot(dataDir: string): BudgetSnapshot | undefined {
  try {
    const { version, seq, hash, bookings } = JSON.parse(readFileSync(join(dataDir, SNAPSHOT_FILE), 'utf8')) as Record<string, unknown>;
    if (version !== VERSION || !Number.isSafeInteger(seq) || typeof hash !== 'string' || !Array.isArray(bookings)) return undefined;
    return { point: { seq: seq as number, hash }, bookings: checked(bookings) };
  } catch {
    return undefined;
  }
}

export function writeBudgetSnapshot(dataDir: string, { point, bookings }: BudgetSnapshot): void {
  replacePrivateFile(join(dataDir, SNAPSHOT_FILE), JSON.stringify({ version: VERSION, ...point, bookings }));
}
