/** One record as it lies in the ledger, and whether it is what was hashed. The whole chain is verify's to check. */
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import { chainHead, GENESIS, hashBody } from '../ledger/chain.ts';

export interface CheckedRecord {
  readonly record: StoredRecord;
  /** Its text was taken out by a purge; its hash is still there. */
  readonly isPurged: boolean;
  /** In words, what does not fit: its text and its hash, or its place behind the record before. */
  readonly problem?: string;
}

/** @returns undefined where the ledger has no such record */
export function readChecked(reader: LedgerReader, seq: number): CheckedRecord | undefined {
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined;
  const records = reader.after(Math.max(0, seq - 2), seq === 1 ? 1 : 2);
  const record = records.find((one) => one.seq === seq);
  if (record === undefined) return undefined;
  if (record.body === '') return { record, isPurged: true };
  const before = seq === 1 ? GENESIS : records.find((one) => one.seq === seq - 1)?.hash;
  if (hashBody(record.body) !== record.hash) return { record, isPurged: false, problem: 'its text is not the one that was hashed' };
  if (before === undefined || !record.body.startsWith(chainHead(seq, before))) return { record, isPurged: false, problem: 'it does not follow the record before' };
  return { record, isPurged: false };
}
