/**
 * One gateway for a data directory. The lock is the operating system's (an fcntl lock that SQLite holds on `lock.db`), so
 * it goes with its process in whatever way that dies; `gateway.json` only describes who holds it.
 */
import Database from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDataDir, ensurePrivateFile, isCode, replacePrivateFile } from './files.ts';

const LOCK_FILE = 'lock.db';
const INFO_FILE = 'gateway.json';
const ADMIN_TOKEN_BYTES = 32;

/** The gateway that holds a directory. The file is readable by its owner alone: the token opens the admin API. */
export interface GatewayInfo {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly adminToken: string;
  /** Where it answers; absent until it does. */
  readonly url?: string;
  /** It goes with whoever uses it, so its address is not one to write down. */
  readonly temporary?: true;
}

export interface DataDirLock {
  /** What `gateway.json` says of this process from now on. */
  readonly info: GatewayInfo;
  /** Gives the directory back. Idempotent. */
  release(): void;
}

/** `heldBy` is absent in the instant in which the holder has not described itself yet. */
export type LockResult = DataDirLock | { readonly heldBy: GatewayInfo | undefined };

/** @throws Error when the directory cannot be used at all */
export function lockDataDir(dir: string): LockResult {
  ensureDataDir(dir);
  const path = join(dir, LOCK_FILE);
  ensurePrivateFile(path);
  const db = new Database(path, { timeout: 0 });
  try {
    // Never committed: the transaction is the lock. Nothing else may open this file, since closing any descriptor of
    // it would drop the lock (fcntl(2)); SQLite keeps to that for its own.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return { heldBy: readGatewayInfo(dir) };
    throw error;
  }
  // Replaces what a holder that was killed left behind.
  const info: GatewayInfo = {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    adminToken: randomBytes(ADMIN_TOKEN_BYTES).toString('base64url'),
  };
  try {
    writeGatewayInfo(dir, info);
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    info,
    release() {
      if (!db.open) return;
      // While the lock is still held: a later holder's file is not ours to remove.
      rmSync(join(dir, INFO_FILE), { force: true });
      db.close();
    },
  };
}

/** Only the holder of the lock writes it. */
export function writeGatewayInfo(dir: string, info: GatewayInfo): void {
  replacePrivateFile(join(dir, INFO_FILE), `${JSON.stringify(info, undefined, 2)}\n`);
}

/** What the holder said of itself; it may have died since (`lockDataDir` knows). `undefined` where nothing fit to read is there. */
export function readGatewayInfo(dir: string): GatewayInfo | undefined {
  try {
    const info: unknown = JSON.parse(readFileSync(join(dir, INFO_FILE), 'utf8'));
    return isGatewayInfo(info) ? info : undefined;
  } catch (error) {
    if (isCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isGatewayInfo(value: unknown): value is GatewayInfo {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startedAt, adminToken, url } = value as Record<string, unknown>;
  return (
    Number.isInteger(pid) &&
    typeof startedAt === 'string' &&
    typeof adminToken === 'string' &&
    (url === undefined || typeof url === 'string')
  );
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'));
