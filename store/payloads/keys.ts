/**
 * One data key for each tenant and epoch (a calendar month, or less where it was rotated), kept wrapped under a key that is
 * derived from the gateway's secret. Erasing one makes everything that it sealed unreadable. It seals nothing itself.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDataDir } from '../files.ts';
import { openDatabase, openReadOnly, type Sqlite } from '../sqlite.ts';

export const TENANT_KEYS_FILE = 'tenant-keys.db';

export interface TenantKey {
  /** Public: payloads name it. Random on its own. */
  readonly id: string;
  readonly tenant: string;
  /** Calendar month (UTC), e.g. `2026-11`. */
  readonly epoch: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly erasedAt?: number;
}

export interface SealingKey {
  readonly id: string;
  readonly key: Buffer;
}

/** Synchronous; one process at a time, which holds the lock of the data directory. */
export interface TenantKeys {
  /** The key to seal with now; made, and durable, where there is none. To be asked for once for each message. @throws Error when it cannot be kept */
  sealing(tenant: string, nowMs: number): SealingKey;
  /** What opens what key `id` has sealed; `undefined` where the key was erased, or never was here. */
  opening(id: string): (SealingKey & { readonly tenant: string }) | undefined;
  /** All that ever were, oldest first. */
  list(): TenantKey[];
  /** A new key; earlier ones open what they sealed. */
  rotate(tenant: string, nowMs: number): TenantKey;
  /** Durably takes the tenant's keys out of use for sealing, so that they can be destroyed; returns their ids. */
  condemn(tenant: string): string[];
  /** Tenants with keys that were condemned and are not destroyed yet: a stop came in between. */
  condemned(): string[];
  /**
   * Overwrites condemned keys in the file and its log, for good.
   * @throws Error where another program holds on to the file: they are condemned still
   */
  destroy(tenant: string, nowMs: number): void;
  close(): void;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 6;
const BUSY_TIMEOUT_MS = 2000;
/** Random nonces under one key: safe for 2^32 messages (NIST SP 800-38D, 8.3). Half of that, and then another key. */
const MAX_SEALED = 2 ** 31;
/** Messages are counted ahead in blocks of so many, so that counting costs no write for each. */
const SEALED_BLOCK = 2 ** 20;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tenant_keys (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, epoch TEXT NOT NULL, created_at INTEGER NOT NULL,
    sealed INTEGER NOT NULL, wrapped BLOB, condemned INTEGER NOT NULL DEFAULT 0, erased_at INTEGER
  ) STRICT;
`;

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly epoch: string;
  readonly created_at: number;
  readonly sealed: number;
  readonly wrapped: Buffer | null;
  readonly erased_at: number | null;
}

/** A key in use: how often it may still seal before the next block is counted, and until when. */
interface InUse extends SealingKey {
  left: number;
  readonly untilMs: number;
}

/** @param wrappingKey 32 bytes, derived for this. @throws Error when the database cannot be opened */
export function openTenantKeys(dataDir: string, wrappingKey: Buffer): TenantKeys {
  ensureDataDir(dataDir);
  const db = openDatabase(join(dataDir, TENANT_KEYS_FILE), BUSY_TIMEOUT_MS);
  try {
    // What is deleted or written over is overwritten in the file (sqlite.org/pragma.html#pragma_secure_delete).
    db.pragma('secure_delete = ON');
    db.exec(SCHEMA);
    return tenantKeys(db, wrappingKey);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The keys, without what they are: beside a gateway that runs, or without one. Empty where none were ever made. */
export function listTenantKeys(dataDir: string): TenantKey[] {
  const path = join(dataDir, TENANT_KEYS_FILE);
  if (!existsSync(path)) return [];
  const db = openReadOnly(path);
  try {
    return db.prepare<[], Row>('SELECT * FROM tenant_keys ORDER BY n').all().map(shown);
  } finally {
    db.close();
  }
}

const shown = ({ id, tenant, epoch, created_at, erased_at }: Row): TenantKey => ({
  id, tenant, epoch, createdAt: created_at, ...(erased_at === null ? {} : { erasedAt: erased_at }),
});

function tenantKeys(db: Sqlite, wrappingKey: Buffer): TenantKeys {
  const insert = db.prepare<[string, string, string, number, Buffer]>('INSERT INTO tenant_keys (id, tenant, epoch, created_at, sealed, wrapped) VALUES (?, ?, ?, ?, 0, ?)');
  const newest = db.prepare<[string], Row>('SELECT * FROM tenant_keys WHERE tenant = ? AND condemned = 0 AND wrapped IS NOT NULL ORDER BY n DESC LIMIT 1');
  const byId = db.prepare<[string], Row>('SELECT * FROM tenant_keys WHERE id = ?');
  const all = db.prepare<[], Row>('SELECT * FROM tenant_keys ORDER BY n');
  const count = db.prepare<[number, string]>('UPDATE tenant_keys SET sealed = sealed + ? WHERE id = ?');
  const condemn = db.prepare<[string]>('UPDATE tenant_keys SET condemned = 1 WHERE tenant = ? AND wrapped IS NOT NULL');
  const condemnedOf = db.prepare<[string], string>('SELECT id FROM tenant_keys WHERE tenant = ? AND condemned = 1 AND wrapped IS NOT NULL ORDER BY n').pluck();
  const condemned = db.prepare<[], string>('SELECT DISTINCT tenant FROM tenant_keys WHERE condemned = 1 AND wrapped IS NOT NULL').pluck();
  // Of the same length: SQLite then writes over the very bytes.
  const overwrite = db.prepare<[string]>('UPDATE tenant_keys SET wrapped = zeroblob(length(wrapped)) WHERE tenant = ? AND condemned = 1 AND wrapped IS NOT NULL');
  const forget = db.prepare<[number, string]>('UPDATE tenant_keys SET wrapped = NULL, erased_at = ? WHERE tenant = ? AND condemned = 1 AND wrapped IS NOT NULL');

  const inUse = new Map<string, InUse>();

  function make(tenant: string, nowMs: number): Row {
    const key = randomBytes(KEY_BYTES);
    for (;;) {
      const id = `tk_${randomBytes(ID_BYTES).toString('hex')}`;
      if (byId.get(id) !== undefined) continue;
      insert.run(id, tenant, epochOf(nowMs), nowMs, wrap(wrappingKey, key, id, tenant));
      return byId.get(id) as Row;
    }
  }

  function take(tenant: string, nowMs: number): InUse {
    let row = newest.get(tenant);
    // A clock that was set back does not make an older epoch come again.
    if (row === undefined || row.epoch < epochOf(nowMs) || row.sealed >= MAX_SEALED) row = make(tenant, nowMs);
    count.run(SEALED_BLOCK, row.id);
    const taken = { id: row.id, key: unwrap(wrappingKey, row), left: SEALED_BLOCK, untilMs: endOf(row.epoch) };
    inUse.set(tenant, taken);
    return taken;
  }

  const emptyLog = (): void => {
    const [{ busy } = { busy: 1 }] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (busy !== 0) throw new Error(`another program reads ${TENANT_KEYS_FILE} just now, so the keys could not be destroyed for good`);
  };

  return {
    sealing(tenant, nowMs) {
      let current = inUse.get(tenant);
      if (current === undefined || current.left === 0 || nowMs >= current.untilMs) current = take(tenant, nowMs);
      current.left -= 1;
      return current;
    },
    opening(id) {
      const row = byId.get(id);
      return row === undefined || row.wrapped === null || isZero(row.wrapped) ? undefined : { id, key: unwrap(wrappingKey, row), tenant: row.tenant };
    },
    list: () => all.all().map(shown),
    rotate(tenant, nowMs) {
      const made = shown(make(tenant, nowMs));
      inUse.delete(tenant);
      return made;
    },
    condemn(tenant) {
      condemn.run(tenant);
      inUse.delete(tenant);
      return condemnedOf.all(tenant);
    },
    condemned: () => condemned.all(),
    destroy(tenant, nowMs) {
      overwrite.run(tenant);
      emptyLog();
      // Whatever copy of a row an earlier change may have left in a page goes with the old pages.
      db.exec('VACUUM');
      emptyLog();
      // Only now: whatever stops this before is seen at the next start.
      forget.run(nowMs, tenant);
    },
    close: () => void db.close(),
  };
}

const epochOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);

function endOf(epoch: string): number {
  const [year = 0, month = 0] = epoch.split('-').map(Number);
  return Date.UTC(year, month);
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

const boundTo = (id: string, tenant: string): Buffer => Buffer.from(`tenant-key\0${id}\0${tenant}`);

/** A nonce, the tag and the key in AES-256-GCM, bound to its id and tenant. */
function wrap(wrappingKey: Buffer, key: Buffer, id: string, tenant: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, wrappingKey, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(id, tenant));
  const text = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function unwrap(wrappingKey: Buffer, { id, tenant, wrapped }: Row): Buffer {
  const bytes = wrapped ?? Buffer.alloc(0);
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, wrappingKey, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(id, tenant)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    throw new Error(`key ${id} of tenant "${tenant}" cannot be read: ${TENANT_KEYS_FILE} was changed, or secret.key is not the one that it was made under`);
  }
}
