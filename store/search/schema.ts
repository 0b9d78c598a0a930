/**
 * The search index as a database: its tables, and whether it is the index of this ledger at all. Everything in it is
 * derived from the ledger, so that whatever does not fit is thrown away and made again. It reads no records.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type Sqlite } from '../sqlite.ts';

export const SEARCH_FILE = 'search.db';

/** Changes with the tables and with what is put into them: an index of another version is made anew. */
const VERSION = 1;
const BUSY_TIMEOUT_MS = 200;
const PAGE_CACHE_KIB = 32_768;
/** Pages; a log that is copied seldom writes a page once that many commits have changed. */
const CHECKPOINT_PAGES = 8000;

/** What is kept of a text that many records share: its number. `dim` is one of these. */
export const DIMENSIONS = ['kind', 'caller', 'tenant', 'tool', 'name', 'effect', 'rule', 'outcome', 'code', 'session', 'trace', 'approval'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Those that a search may begin with. `seq`, the row's own number, stands behind each in its index: so they yield in order. */
export const INDEXED = ['caller', 'tool', 'effect', 'rule', 'outcome', 'code', 'session', 'trace', 'approval'] as const;

/**
 * `entries`: one row for a call (its first record, joined with its end) and for each other record. Narrow, so that reading
 * all of it is no matter of seconds either. `open`: a call whose end has not been read.
 * `spans`: the times of up to 256 records in a row, by which a time is found without an index over times; they need not ascend.
 * `reached`: the last record that was taken; `made` is another each time the index is made anew, and with it all numbers of words.
 * `found`: the words of a record; without the texts themselves and without their places.
 */
const SCHEMA = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL,
    kind INTEGER NOT NULL, caller INTEGER, tenant INTEGER, tool INTEGER, name INTEGER, effect INTEGER, rule INTEGER,
    outcome INTEGER, code INTEGER, session INTEGER, trace INTEGER, approval INTEGER,
    is_error INTEGER, duration REAL, end INTEGER, open INTEGER NOT NULL, call TEXT
  ) STRICT;
  ${INDEXED.map((dim) => `CREATE INDEX by_${dim} ON entries (${dim}) WHERE ${dim} IS NOT NULL;`).join('\n  ')}
  CREATE INDEX by_call ON entries (call) WHERE call IS NOT NULL;
  CREATE INDEX by_end ON entries (end) WHERE end IS NOT NULL;
  CREATE TABLE words (id INTEGER PRIMARY KEY, dim TEXT NOT NULL, word TEXT NOT NULL, UNIQUE (dim, word)) STRICT;
  CREATE TABLE spans (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL) STRICT;
  CREATE TABLE reached (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL, made BLOB NOT NULL) STRICT;
  INSERT INTO reached VALUES (1, 0, '', randomblob(8));
  CREATE VIRTUAL TABLE found USING fts5 (text, content='', contentless_delete=1, detail=none, tokenize='ascii');
  INSERT INTO found (found, rank) VALUES ('automerge', 8), ('crisismerge', 32);
`;

/** A record, by its place and its stored hash. */
export interface Reached {
  readonly seq: number;
  readonly hash: string;
}

/** @throws Error when it can neither be opened nor made anew */
export function openSearchFile(dataDir: string): Sqlite {
  const path = join(dataDir, SEARCH_FILE);
  try {
    return prepared(path);
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (!code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') throw error;
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    return prepared(path);
  }
}

function prepared(path: string): Sqlite {
  const db = openDatabase(path, BUSY_TIMEOUT_MS);
  try {
    // What a power failure takes is made again; it must not cost the ledger's disk a sync at each commit.
    db.pragma('synchronous = NORMAL');
    db.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    // What was purged from the ledger is not left behind in free pages.
    db.pragma('secure_delete = ON');
    db.pragma('temp_store = MEMORY');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export const isCurrent = (db: Sqlite): boolean => db.pragma('user_version', { simple: true }) === VERSION;

/** Within a transaction: an empty index in place of whatever is there. */
export function makeAnew(db: Sqlite): void {
  const names = db.prepare<[], { type: string; name: string }>(
    "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'found_%'",
  ).all();
  for (const { type, name } of names) db.exec(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`);
  db.exec(SCHEMA);
  db.pragma(`user_version = ${VERSION}`);
}
