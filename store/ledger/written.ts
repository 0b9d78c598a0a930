/** A record as text, where its maker has not written it out; and the word for where it cannot be kept. */
import { LedgerUnavailable, type LedgerEntry, type WrittenRecord } from '../../core/audit.ts';

/** @throws TypeError where a record cannot be kept: it names what only the ledger may, or is no JSON */
export function writtenOut(record: LedgerEntry): WrittenRecord {
  if (typeof record.written === 'string') return record as WrittenRecord;
  // Two members of one name would let two readers of the same body see two records.
  if (Object.hasOwn(record, 'seq') || Object.hasOwn(record, 'prev')) {
    throw new TypeError('a record may not name "seq" or "prev": the ledger gives them');
  }
  const { kind, call } = record;
  return { kind, ...(call === undefined ? {} : { call }), written: JSON.stringify(record) };
}

export const unavailable = (problem: string): LedgerUnavailable => new LedgerUnavailable(`the ledger cannot be written: ${problem}`);
