/**
 * The counts as the ledger has them: made from a snapshot and the records behind it, and noted in a new one. They lag
 * behind those that calls are decided by, and fit a place in the ledger exactly, which those do not.
 */
import { createBudgetCounts, type BudgetCounts } from '../../policies/index.ts';
import { openBookings, readBudgetSnapshot, writeBudgetSnapshot, type BookingReader, type LedgerPoint } from '../../store/index.ts';

export interface RecordedCounts {
  /** Reads on to the ledger's end, or throws and stays where it came to. */
  follow(): Promise<BudgetCounts>;
  /** Writes a snapshot, where as many records have been read since the last. */
  note(leastRecords: number): void;
}

/** Read at a time; the event loop has its turn in between. */
const PAGES_AT_A_TIME = 256;

export function createRecordedCounts(dataDir: string, now: () => number): RecordedCounts {
  let counts = createBudgetCounts();
  let point: LedgerPoint | undefined;
  /** The record that the last snapshot goes up to. */
  let noted = 0;

  /** From the snapshot, or from the first moment of the longest period that may still run. */
  function begin(reader: BookingReader): LedgerPoint {
    counts = createBudgetCounts();
    const snapshot = readBudgetSnapshot(dataDir);
    if (snapshot !== undefined && reader.has(snapshot.point)) {
      for (const booking of snapshot.bookings) counts.book(booking);
      noted = snapshot.point.seq;
      return snapshot.point;
    }
    const date = new Date(now());
    return reader.before(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  }

  return {
    async follow() {
      const reader = openBookings(dataDir);
      try {
        point ??= begin(reader);
        for (let read = reader.after(point, PAGES_AT_A_TIME); read !== undefined; read = reader.after(point, PAGES_AT_A_TIME)) {
          for (const booking of read.bookings) counts.book(booking);
          point = read.reached;
          await new Promise(setImmediate);
        }
      } finally {
        reader.close();
      }
      return counts;
    },
    note(leastRecords) {
      if (point === undefined || point.seq - noted < leastRecords) return;
      writeBudgetSnapshot(dataDir, { point, bookings: counts.bookings() });
      noted = point.seq;
    },
  };
}
