/**
 * How every database of the data directory is opened: owner-only, WAL, each commit durable.
 * It knows nothing of what is in them.
 */
import Database from 'better-sqlite3';
import { ensurePrivateFile } from './files.ts';

export type Sqlite = Database.Database;

/** Earlier ones can corrupt a database when a WAL is reset while another connection reads (fixed in 3.51.3). */
export const OLDEST_SQLITE = '3.51.3';

/** @throws Error in plain words when the SQLite that is linked in is too old to trust with a ledger */
export function requireSqliteVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0, needPatch = 0] = OLDEST_SQLITE.split('.').map(Number);
  const enough =
    major !== needMajor ? major > needMajor : minor !== needMinor ? minor > needMinor : patch >= needPatch;
  if (!enough) {
    throw new Error(
      `SQLite ${version} is linked in; ${OLDEST_SQLITE} or later is needed, since earlier ones can corrupt a WAL database. ` +
        'Reinstall with "npm ci" so that the pinned better-sqlite3 is used.',
    );
  }
}

export const sqliteVersion = (db: Sqlite): string => db.prepare('SELECT sqlite_version()').pluck().get() as string;

/** Opens for writing; WAL and shared-memory files take the mode of the database (sqlite.org/wal.html). */
export function openDatabase(path: string, busyTimeoutMs: number): Sqlite {
  ensurePrivateFile(path);
  const db = new Database(path, { timeout: busyTimeoutMs });
  try {
    requireSqliteVersion(sqliteVersion(db));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    if (db.pragma('journal_mode', { simple: true }) !== 'wal' || db.pragma('synchronous', { simple: true }) !== 2) {
      throw new Error(`${path} cannot be opened with a write-ahead log: the file system must support shared memory and locks`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens for reading, beside a writer in this or another process. */
export function openReadOnly(path: string): Sqlite {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 2000 });
  try {
    requireSqliteVersion(sqliteVersion(db));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
