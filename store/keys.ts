/**
 * Callers' keys: made, listed, revoked in any process, and noticed by a running gateway without a database read per
 * call. Only hashes are kept: a key is 256 random bits, so a plain SHA-256 cannot be guessed backwards. It knows callers
 * by id only; what a caller may do is configuration.
 */
import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '../core/log.ts';
import { ensureDataDir } from './files.ts';
import { openDatabase, type Sqlite } from './sqlite.ts';

const STATE_FILE = 'state.db';
const KEY_BYTES = 32;
const ID_BYTES = 4;
const KEY_PREFIX = 'sbx_';
const BUSY_TIMEOUT_MS = 5000;
const DEFAULT_POLL_MS = 250;

export interface CallerKey {
  /** Public: fit for records and lists. Random on its own, so it tells nothing of the key. */
  readonly id: string;
  readonly caller: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly revokedAt?: number;
}

export interface KeyStore {
  /** The key is in the answer and nowhere else. */
  create(caller: string): { readonly id: string; readonly key: string };
  /** All that ever were, oldest first. */
  list(): CallerKey[];
  /** Whether there was such a key in force. */
  revoke(id: string): boolean;
  /**
   * The key in force with this hash, from memory.
   * @throws KeysUnavailable while the store cannot be read: a key may have been revoked by now
   */
  findByHash(keyHash: string): CallerKey | undefined;
  close(): void;
}

export interface KeyStoreOptions {
  readonly log: Log;
  /** How often another process's changes are looked for. Default 250; `false` never looks. */
  readonly pollMs?: number | false;
}

export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** What is kept, and looked up, in place of a key: SHA-256 in hex. */
export const hashKey = (key: string): string => hash('sha256', key, 'hex');

interface Row {
  readonly id: string;
  readonly caller: string;
  readonly hash: string;
  readonly created_at: number;
  readonly revoked_at: number | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, caller TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT;
`;

/** @throws Error when the database cannot be opened */
export function createKeyStore(dataDir: string, options: KeyStoreOptions): KeyStore {
  ensureDataDir(dataDir);
  const db = openDatabase(join(dataDir, STATE_FILE), BUSY_TIMEOUT_MS);
  try {
    db.exec(SCHEMA);
    return keyStore(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

function keyStore(db: Sqlite, { log, pollMs = DEFAULT_POLL_MS }: KeyStoreOptions): KeyStore {
  const insert = db.prepare<[string, string, string, number]>(
    'INSERT INTO keys (id, caller, hash, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
  );
  const revoke = db.prepare<[number, string]>('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const all = db.prepare<[], Row>('SELECT * FROM keys ORDER BY created_at, id');
  // Changes when another connection has committed, and costs no read of the database (sqlite.org/pragma.html).
  const dataVersion = db.prepare<[], number>('PRAGMA data_version').pluck();

  let inForce: ReadonlyMap<string, CallerKey> = new Map();
  let seenVersion: number | undefined;
  let problem: string | undefined;

  const read = (): void => {
    // The version first: a change between the two reads is then seen again, never missed.
    seenVersion = dataVersion.get();
    inForce = new Map(all.all().filter((row) => row.revoked_at === null).map((row) => [row.hash, keyOf(row)]));
  };

  const poll = (): void => {
    try {
      if (dataVersion.get() !== seenVersion) read();
      if (problem !== undefined) log.info({}, 'the key store can be read again');
      problem = undefined;
    } catch (error) {
      const message = (error as Error).message;
      if (problem === undefined) log.error({ problem: message }, 'the key store cannot be read: keys are refused until it can');
      problem = message;
      seenVersion = undefined;
    }
  };

  read();
  const timer = pollMs === false ? undefined : setInterval(poll, pollMs).unref();

  return {
    create(caller) {
      for (;;) {
        const id = randomBytes(ID_BYTES).toString('hex');
        const key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
        if (insert.run(id, caller, hashKey(key), Date.now()).changes === 0) continue;
        read();
        return { id, key };
      }
    },
    list: () => all.all().map(keyOf),
    revoke(id) {
      const revoked = revoke.run(Date.now(), id).changes > 0;
      read();
      return revoked;
    },
    findByHash(keyHash) {
      if (problem !== undefined) throw new KeysUnavailable(`the key store cannot be read: ${problem}`);
      return inForce.get(keyHash);
    },
    close() {
      clearInterval(timer);
      db.close();
    },
  };
}

const keyOf = ({ id, caller, created_at, revoked_at }: Row): CallerKey => ({
  id,
  caller,
  createdAt: created_at,
  ...(revoked_at === null ? {} : { revokedAt: revoked_at }),
});
