/**
 * Keeps the counts of budgets over restarts: at the start they are made again from what the ledger says was booked, from
 * the last snapshot on. Until that is done, and where it cannot be, they are not known, and calls under budgets are
 * refused. What counts while the process runs is policies/budgets; nothing here is on a call's path.
 */
import type { Log } from '../../core/log.ts';
import type { BudgetSettings } from '../../core/settings.ts';
import { createBudgetCounts, createClock, type BudgetsOptions } from '../../policies/index.ts';
import { openBookings, readBudgetSnapshot, writeBudgetSnapshot, type BookingReader, type LedgerPoint } from '../../store/index.ts';

export interface BudgetKeeper {
  /** What `createBudgets` takes, for every configuration of this process. */
  readonly parts: BudgetsOptions;
  /** Counts what was booked before, unless that is done or there are no budgets. Never rejects. */
  open(budgets: readonly BudgetSettings[]): Promise<void>;
  /** Follows the ledger, and notes how far it has come once that is worth it. */
  beat(): void;
  /** After the ledger has closed: notes where things stand. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly now?: () => number;
}

/** Read at a time; the event loop has its turn in between. */
const PAGES_AT_A_TIME = 256;
const BEATS_PER_LOOK = 6;
/** A start reads about a million records in three seconds. */
const RECORDS_PER_SNAPSHOT = 50_000;

export function createBudgetKeeper({ dataDir, log, now = Date.now }: KeeperOptions): BudgetKeeper {
  const counts = createBudgetCounts();
  const clock = createClock();
  /** The same sums again, of what is in the ledger up to `point`: a snapshot of counts that run ahead would not fit it. */
  let recorded = createBudgetCounts();
  let point: LedgerPoint | undefined;
  let noted = 0;
  let beats = 0;
  let wanted = false;
  let problem: string | undefined = 'what was used before is still being counted; try again shortly';
  let work: Promise<void> = Promise.resolve();

  /** From the snapshot, or from the first moment of the longest period that may still run. */
  function beginning(reader: BookingReader): LedgerPoint {
    recorded = createBudgetCounts();
    noted = 0;
    const snapshot = readBudgetSnapshot(dataDir);
    if (snapshot !== undefined && (snapshot.point.seq === 0 || reader.has(snapshot.point))) {
      for (const booking of snapshot.bookings) recorded.book(booking);
      noted = snapshot.point.seq;
      return snapshot.point;
    }
    const date = new Date(now());
    return reader.before(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  }

  async function follow(): Promise<void> {
    const reader = openBookings(dataDir);
    try {
      let at = point ?? beginning(reader);
      for (let read = reader.after(at, PAGES_AT_A_TIME); read !== undefined; read = reader.after(at, PAGES_AT_A_TIME)) {
        for (const booking of read.bookings) recorded.book(booking);
        at = read.reached;
        if (point !== undefined) point = at;
        await new Promise(setImmediate);
      }
      point = at;
    } finally {
      reader.close();
    }
  }

  function note(leastRecords: number): void {
    if (point === undefined || point.seq - noted < leastRecords) return;
    writeBudgetSnapshot(dataDir, { point, bookings: recorded.bookings() });
    noted = point.seq;
  }

  async function restore(): Promise<void> {
    if (point !== undefined) return;
    try {
      await follow();
      for (const booking of recorded.bookings()) counts.book(booking);
      clock.read(recorded.newestMs());
      problem = undefined;
    } catch (error) {
      point = undefined;
      problem = 'the ledger, which says what was used before, could not be read; the operator finds the cause in the log';
      log.error({ error: (error as Error).message }, 'budgets cannot be counted, so calls under them are refused; it is tried again');
      return;
    }
    noteOrWarn(1);
  }

  function noteOrWarn(leastRecords: number): void {
    try {
      note(leastRecords);
    } catch (error) {
      notNoted(error);
    }
  }

  async function catchUp(leastRecords: number): Promise<void> {
    try {
      await follow();
      note(leastRecords);
    } catch (error) {
      notNoted(error);
    }
  }

  const notNoted = (error: unknown): void =>
    log.warn({ error: (error as Error).message }, 'the counts of budgets could not be noted; the next start reads more of the ledger');

  /** One at a time, whatever asks. */
  const next = (step: () => Promise<void>): Promise<void> => (work = work.then(step));

  return {
    parts: { counts, clock, problem: () => problem },
    open(budgets) {
      if (budgets.length === 0) return Promise.resolve();
      wanted = true;
      return next(restore);
    },
    beat() {
      if (!wanted || ++beats % BEATS_PER_LOOK !== 0) return;
      void next(() => (point === undefined ? restore() : catchUp(RECORDS_PER_SNAPSHOT)));
    },
    close: () => next(() => (point === undefined ? Promise.resolve() : catchUp(1))),
  };
}
