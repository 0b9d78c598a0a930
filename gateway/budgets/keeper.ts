/**
 * Keeps the counts of budgets over restarts: at the start they are made again from what the ledger says was booked. Until
 * that is done, and where it cannot be, they are not known, and calls under budgets are refused. What counts while the
 * process runs is policies/budgets; nothing here is on a call's path.
 */
import type { Log } from '../../core/log.ts';
import type { BudgetSettings } from '../../core/settings.ts';
import { createBudgetCounts, createClock, type BudgetsOptions } from '../../policies/index.ts';
import { createRecordedCounts } from './recorded.ts';

export interface BudgetKeeper {
  /** What `createBudgets` takes, for every configuration of this process. */
  readonly parts: BudgetsOptions;
  /** Counts what was booked before, unless that is done or there are no budgets. Never rejects. */
  open(budgets: readonly BudgetSettings[]): Promise<void>;
  /** Called every few seconds: follows the ledger, and notes how far it has come once that is worth it. */
  beat(): void;
  /** After the ledger has closed: notes where things stand. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly now?: () => number;
}

const BEATS_PER_LOOK = 6;
/** What a start after a crash reads at most besides the last minute: a tenth of a second's work. */
const RECORDS_PER_SNAPSHOT = 50_000;
const STILL_COUNTING = 'what was used before is still being counted; try again shortly';
const UNREADABLE = 'the ledger, which says what was used before, could not be read; the operator finds the cause in the log';

export function createBudgetKeeper({ dataDir, log, now = Date.now }: KeeperOptions): BudgetKeeper {
  const counts = createBudgetCounts();
  const clock = createClock(() => performance.now());
  const recorded = createRecordedCounts(dataDir, now);
  let problem: string | undefined = STILL_COUNTING;
  let wanted = false;
  let beats = 0;
  let work: Promise<void> = Promise.resolve();

  async function restore(): Promise<void> {
    if (problem === undefined) return;
    try {
      const before = await recorded.follow();
      for (const booking of before.bookings()) counts.book(booking);
      // Time goes on from the newest period, so that a clock set back since then does not begin an older one again.
      clock.read(before.newestMs());
      problem = undefined;
    } catch (error) {
      problem = UNREADABLE;
      log.error({ error: (error as Error).message }, 'budgets cannot be counted, so calls under them are refused; it is tried again');
      return;
    }
    await catchUp(1);
  }

  async function catchUp(leastRecords: number): Promise<void> {
    try {
      await recorded.follow();
      recorded.note(leastRecords);
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the counts of budgets could not be noted; the next start reads more of the ledger');
    }
  }

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
      beats += 1;
      if (wanted && beats % BEATS_PER_LOOK === 0) void next(() => (problem === undefined ? catchUp(RECORDS_PER_SNAPSHOT) : restore()));
    },
    close: () => next(() => (problem === undefined ? catchUp(1) : Promise.resolve())),
  };
}
