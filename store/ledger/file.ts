/**
 * The ledger's database: schema, appending whole batches, the mark, checkpoints. Synchronous; runs in the worker.
 * It does not judge records, and nothing here updates or deletes one.
 */
import { openDatabase, type Sqlite } from '../sqlite.ts';
import { CHAIN_START, chainBody, hashBody, type ChainPoint } from './chain.ts';
import type { WorkerOptions } from './messages.ts';

export const LEDGER_FILE = 'ledger.db';

/** `meta.closed_below`: every intent with a smaller seq has its outcome, or its `unknown`. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
`;
/** No one else writes; this is for a person with an SQLite shell. */
const BUSY_TIMEOUT_MS = 1000;
const PAGE_CACHE_KIB = 4096;
/**
 * When the log is copied into the database, between two batches: so seldom that the batch which waits for it is not one
 * in a hundred; so often that the log soon stops growing, since writing over it takes two thirds of the time.
 */
const CHECKPOINT_COMMITS = 300;
const CHECKPOINT_PAGES = 4000;
/** A log of this length is copied when nothing is going on. */
const IDLE_CHECKPOINT_PAGES = 250;
const USABLE_PAGE_BYTES = 3500;
/** What a commit rewrites besides the pages that its records fill. */
const PAGES_PER_COMMIT = 2;
const PROBE_BYTES = 65_536;

export interface LedgerFile {
  readonly tail: ChainPoint;
  readonly closedBelow: number;
  /** Bodies of the records from `seq` on, oldest first. */
  bodiesFrom(seq: number): IterableIterator<{ seq: number; body: string }>;
  /** Appends in one durable commit, or throws and leaves everything as it was. */
  append(records: readonly string[], closedBelow?: number): void;
  /** Writes and erases a piece of filler. @throws where records could not be written either */
  probe(): void;
  /** Copies the log into the database if it has grown enough to be worth it. Never throws: the log can wait. */
  checkpoint(idle: boolean): void;
  close(): void;
}

export function openLedgerFile(options: WorkerOptions): LedgerFile {
  const db = openDatabase(options.path, BUSY_TIMEOUT_MS);
  try {
    db.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    // Copying the log holds up a commit; `checkpoint` does it between answers instead.
    db.pragma('wal_autocheckpoint = 0');
    db.exec(SCHEMA);
    if (options.maxPages !== undefined) db.pragma(`max_page_count = ${options.maxPages}`);
    return ledgerFile(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function ledgerFile(db: Sqlite): LedgerFile {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insert = db.prepare<[number, string, string]>('INSERT INTO records (seq, body, hash) VALUES (?, ?, ?)');
  const setMark = db.prepare<[number]>("INSERT OR REPLACE INTO meta (name, value) VALUES ('closed_below', ?)");
  const getMark = db.prepare<[], number>("SELECT value FROM meta WHERE name = 'closed_below'").pluck();
  const fill = db.prepare<[number]>('INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(?))');
  const erase = db.prepare('DELETE FROM probe');

  let tail = readTail(db);
  let closedBelow = getMark.get() ?? 1;
  // The log of an earlier run may be long.
  let logPages = IDLE_CHECKPOINT_PAGES;
  let logCommits = 0;
  if (closedBelow > tail.seq + 1) throw new Error(lostRecords(tail.seq, closedBelow));

  const inTransaction = (work: () => void): void => {
    begin.run();
    try {
      work();
      commit.run();
    } catch (error) {
      // SQLite rolls back by itself on some errors (sqlite.org/lang_transaction.html), not on all.
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };

  return {
    get tail() {
      return tail;
    },
    get closedBelow() {
      return closedBelow;
    },
    bodiesFrom: (seq) =>
      db.prepare<[number], { seq: number; body: string }>('SELECT seq, body FROM records WHERE seq >= ? ORDER BY seq').iterate(seq),
    append(records, newClosedBelow) {
      let { seq, hash } = tail;
      let bytes = 0;
      inTransaction(() => {
        for (const json of records) {
          seq += 1;
          const body = chainBody(seq, hash, json);
          hash = hashBody(body);
          bytes += body.length;
          insert.run(seq, body, hash);
        }
        if (newClosedBelow !== undefined) setMark.run(newClosedBelow);
      });
      tail = { seq, hash };
      if (newClosedBelow !== undefined) closedBelow = newClosedBelow;
      logCommits += 1;
      logPages += PAGES_PER_COMMIT + Math.ceil(bytes / USABLE_PAGE_BYTES);
    },
    probe() {
      // Two commits: pages that are freed again within one are never written.
      fill.run(PROBE_BYTES);
      erase.run();
    },
    checkpoint(idle) {
      const due = idle ? logPages >= IDLE_CHECKPOINT_PAGES : logPages >= CHECKPOINT_PAGES || logCommits >= CHECKPOINT_COMMITS;
      if (!due) return;
      // Counted from here again whatever happens: a reader that holds the log back must not cost a try each batch.
      logPages = 0;
      logCommits = 0;
      try {
        db.pragma('wal_checkpoint(PASSIVE)');
      } catch {
        // The log keeps the records; the next commit meets the same fault and reports it.
      }
    },
    close: () => void db.close(),
  };
}

/** @throws Error when the last record does not bear its own hash: nothing may be chained to it */
function readTail(db: Sqlite): ChainPoint {
  const last = db
    .prepare<[], { seq: number; body: string; hash: string }>('SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT 1')
    .get();
  if (last === undefined) return CHAIN_START;
  if (hashBody(last.body) !== last.hash) {
    throw new Error(
      `the ledger is damaged: its last record (seq ${last.seq}) was changed after it was written. ` +
        'Keep the file, look at it with "signalbox audit verify", and start on an empty data directory.',
    );
  }
  return { seq: last.seq, hash: last.hash };
}

const lostRecords = (seq: number, closedBelow: number): string =>
  `the ledger is damaged: it ends at seq ${seq}, but had reached seq ${closedBelow - 1}. ` +
  'Keep the file, look at it with "signalbox audit verify", and start on an empty data directory.';
