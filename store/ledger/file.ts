/**
 * The ledger's database: schema, appending whole batches, the mark, checkpoints. Synchronous; runs in the worker.
 * It does not judge records, and takes the text out of one only when told to: see blank.ts.
 */
import { openDatabase, type Sqlite } from '../sqlite.ts';
import type { StoredRecord } from '../../core/audit.ts';
import { CHAIN_START, hashBody, isOfOldKind, OLD_KIND, type ChainPoint } from './chain.ts';
import { createBlanking, type SeqRange } from './blank.ts';
import { CHECKPOINT_SCHEMA, createCheckpoints, type Checkpoints } from './checkpoints.ts';
import type { WorkerOptions } from './messages.ts';
import { hashedRecords, packPages, unpackPage, type Page } from './page.ts';

export const LEDGER_FILE = 'ledger.db';

/**
 * `pages`: see page.ts; the hashes lie before the bodies, so that who reads those alone does not read through the rest.
 * `records` is for a person with an SQLite shell, and reads all of the pages; nothing here uses it.
 * `meta.closed_below`: every intent with a smaller seq has its outcome, or its `unknown`.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS pages (first INTEGER PRIMARY KEY, hashes BLOB NOT NULL, bodies TEXT NOT NULL) STRICT;
  CREATE VIEW IF NOT EXISTS records (seq, body, hash) AS
    WITH RECURSIVE line (seq, rest, hashes) AS (
      SELECT first, bodies || char(10), hashes FROM pages
      UNION ALL
      SELECT seq + 1, substr(rest, instr(rest, char(10)) + 1), substr(hashes, 33) FROM line WHERE length(hashes) > 32
    )
    SELECT seq, substr(rest, 1, instr(rest, char(10)) - 1), lower(hex(substr(hashes, 1, 32))) FROM line;
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
const COPY_COMMITS = 300;
const COPY_PAGES = 4000;
/** A log of this length is copied when nothing is going on. */
const IDLE_COPY_PAGES = 250;
const USABLE_PAGE_BYTES = 4000;
/** What a commit rewrites besides the pages that its records fill. */
const PAGES_PER_COMMIT = 2;
const PROBE_BYTES = 65_536;

export interface LedgerFile {
  readonly tail: ChainPoint;
  readonly closedBelow: number;
  /** The records from `seq` on, oldest first. */
  recordsFrom(seq: number): IterableIterator<StoredRecord>;
  /** Appends in one durable commit, or throws and leaves everything as it was. */
  append(records: readonly string[], closedBelow?: number): void;
  /** Takes the text out of records, in one durable commit: of such as lie below the mark, and never of the last. @throws as `append` does */
  blank(ranges: readonly SeqRange[], closedBelow: number): void;
  /** Whether the log is empty now; see blank.ts. */
  emptyLog(): boolean;
  /** Writes and erases a piece of filler. @throws where records could not be written either */
  probe(): void;
  /** Absent where no key was given to sign them with. */
  readonly checkpoints: Checkpoints | undefined;
  /** SQLite's checkpoint: copies the log into the database if it has grown enough to be worth it. Never throws: the log can wait. */
  checkpoint(idle: boolean): void;
  close(): void;
}

export function openLedgerFile(options: WorkerOptions): LedgerFile {
  const db = openDatabase(options.path, BUSY_TIMEOUT_MS);
  try {
    db.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    // Copying the log holds up a commit; `checkpoint` does it between answers instead.
    db.pragma('wal_autocheckpoint = 0');
    // From the first record on: what is taken out later leaves no copy behind in a page that was rebuilt meanwhile.
    db.pragma('secure_delete = ON');
    db.exec(SCHEMA + CHECKPOINT_SCHEMA);
    if (options.maxPages !== undefined) db.pragma(`max_page_count = ${options.maxPages}`);
    return ledgerFile(db, options.seed);
  } catch (error) {
    db.close();
    throw error;
  }
}

function ledgerFile(db: Sqlite, seed: Uint8Array | undefined): LedgerFile {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insert = db.prepare<[number, Buffer, string]>('INSERT INTO pages (first, hashes, bodies) VALUES (?, ?, ?)');
  const setMark = db.prepare<[number]>("INSERT OR REPLACE INTO meta (name, value) VALUES ('closed_below', ?)");
  const getMark = db.prepare<[], number>("SELECT value FROM meta WHERE name = 'closed_below'").pluck();
  const fill = db.prepare<[number]>('INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(?))');
  const erase = db.prepare('DELETE FROM probe');
  const blanking = createBlanking(db);

  let tail = readTail(db);
  let closedBelow = getMark.get() ?? 1;
  // The log of an earlier run may be long.
  let logPages = IDLE_COPY_PAGES;
  let logCommits = 0;
  if (closedBelow > tail.seq + 1) throw new Error(lostRecords(tail.seq, closedBelow));

  const checkpoints = seed === undefined ? undefined : createCheckpoints(db, seed, tail.seq);

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
    checkpoints,
    recordsFrom: recordsFrom(db),
    append(records, newClosedBelow) {
      const packed = packPages(tail, records);
      let bytes = 0;
      const insertPages = (): void => {
        for (const { first, bodies, hashes } of packed.pages) {
          insert.run(first, hashes, bodies);
          bytes += bodies.length + hashes.length;
        }
        if (newClosedBelow !== undefined) setMark.run(newClosedBelow);
      };
      // A statement alone is a transaction of its own (sqlite.org/lang_transaction.html), and costs two less.
      if (packed.pages.length === 1 && newClosedBelow === undefined) insertPages();
      else inTransaction(insertPages);
      tail = packed.tail;
      checkpoints?.committed(packed.pages);
      if (newClosedBelow !== undefined) closedBelow = newClosedBelow;
      logCommits += 1;
      logPages += PAGES_PER_COMMIT + Math.ceil(bytes / USABLE_PAGE_BYTES);
    },
    blank(ranges, newClosedBelow) {
      let bytes = 0;
      inTransaction(() => {
        bytes = blanking.blank(ranges, Math.min(newClosedBelow, tail.seq));
        setMark.run(newClosedBelow);
      });
      closedBelow = newClosedBelow;
      logCommits += 1;
      logPages += PAGES_PER_COMMIT * ranges.length + Math.ceil(bytes / USABLE_PAGE_BYTES);
    },
    emptyLog: () => blanking.emptyLog(BUSY_TIMEOUT_MS),
    probe() {
      // Two commits: pages that are freed again within one are never written.
      fill.run(PROBE_BYTES);
      erase.run();
    },
    checkpoint(idle) {
      const due = idle ? logPages >= IDLE_COPY_PAGES : logPages >= COPY_PAGES || logCommits >= COPY_COMMITS;
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

/** The records from `seq` on, oldest first; one that was purged has an empty body. */
export function recordsFrom(db: Sqlite): (seq: number) => IterableIterator<StoredRecord> {
  const pages = db.prepare<[number], Page>(
    'SELECT first, bodies, hashes FROM pages WHERE first >= coalesce((SELECT max(first) FROM pages WHERE first <= ?), 0) ORDER BY first',
  );
  return function* (seq) {
    for (const page of pages.iterate(seq)) {
      for (const record of unpackPage(page)) if (record.seq >= seq) yield record;
    }
  };
}

/** @throws Error when the last record does not bear its own hash: nothing may be chained to it */
function readTail(db: Sqlite): ChainPoint {
  const page = db.prepare<[], Page>('SELECT first, bodies, hashes FROM pages ORDER BY first DESC LIMIT 1').get();
  if (page === undefined) return CHAIN_START;
  const records = unpackPage(page);
  const last = records.at(-1);
  if (last !== undefined && isOfOldKind(last.body, last.hash)) {
    throw new Error(`${OLD_KIND}. It cannot be written on: keep the file, and start on an empty data directory`);
  }
  if (last === undefined || records.length !== hashedRecords(page) || hashBody(last.body) !== last.hash) {
    throw new Error(
      `the ledger is damaged: its last record (seq ${page.first + hashedRecords(page) - 1}) was changed after it was written. ` +
        'Keep the file, look at it with "signalbox audit verify", and start on an empty data directory.',
    );
  }
  return { seq: last.seq, hash: last.hash };
}

const lostRecords = (seq: number, closedBelow: number): string =>
  `the ledger is damaged: it ends at seq ${seq}, but had reached seq ${closedBelow - 1}. ` +
  'Keep the file, look at it with "signalbox audit verify", and start on an empty data directory.';
