/** Tenants' keys and what they seal: made when needed, kept wrapped, bound to their place, gone when erased. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { assert, property, string } from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { listTenantKeys, MAX_PAYLOAD_BYTES, openPayload, openSecret, openTenantKeys, sealPayload, TENANT_KEYS_FILE, type TenantKeys } from '../../store/index.ts';
import { temporaryDir } from '../store/support.ts';

const NOVEMBER = Date.UTC(2026, 10, 15);
const DECEMBER = Date.UTC(2026, 11, 1);

function openKeys(dataDir: string): TenantKeys {
  const keys = openTenantKeys(dataDir, openSecret(dataDir).derive('tenant-keys'));
  onTestFinished(() => keys.close());
  return keys;
}

function wrappedKeys(dataDir: string): Buffer[] {
  const db = new Database(join(dataDir, TENANT_KEYS_FILE), { readonly: true });
  try {
    return db.prepare<[], Buffer>('SELECT wrapped FROM tenant_keys WHERE wrapped IS NOT NULL').pluck().all();
  } finally {
    db.close();
  }
}

const filesWith = (dataDir: string, bytes: Buffer): string[] => readdirSync(dataDir).filter((name) => readFileSync(join(dataDir, name)).includes(bytes));

test('a tenant has one key for a month, another for the next, and another when it is rotated', () => {
  const keys = openKeys(temporaryDir());
  const first = keys.sealing('acme', NOVEMBER);
  expect(keys.sealing('acme', NOVEMBER + 1000).id).toBe(first.id);
  expect(keys.sealing('other', NOVEMBER).id).not.toBe(first.id);
  const next = keys.sealing('acme', DECEMBER);
  expect(next.id).not.toBe(first.id);
  expect(next.key.equals(first.key)).toBe(false);
  expect(keys.sealing('acme', NOVEMBER).id).toBe(next.id);
  const rotated = keys.rotate('acme', DECEMBER);
  expect(keys.sealing('acme', DECEMBER).id).toBe(rotated.id);
  expect(keys.opening(first.id)?.key).toEqual(first.key);
});

test('keys are there again after a restart, readable by nobody but the owner, and by no other secret', () => {
  const dataDir = temporaryDir();
  const before = openTenantKeys(dataDir, openSecret(dataDir).derive('tenant-keys'));
  const made = before.sealing('acme', NOVEMBER);
  before.close();
  expect(openKeys(dataDir).sealing('acme', NOVEMBER)).toMatchObject({ id: made.id, key: made.key });
  expect(statSync(join(dataDir, TENANT_KEYS_FILE)).mode & 0o777).toBe(0o600);
  expect(filesWith(dataDir, made.key)).toEqual([]);
  const stranger = openTenantKeys(dataDir, Buffer.alloc(32, 1));
  onTestFinished(() => stranger.close());
  expect(() => stranger.opening(made.id)).toThrow(/secret\.key is not the one/);
});

test('a payload opens in its own place, with its own key, and nowhere else', () => {
  const keys = openKeys(temporaryDir());
  const place = { kind: 'intent', call: 'c1', tenant: 'acme' };
  const key = keys.sealing('acme', NOVEMBER);
  assert(property(string({ unit: 'binary' }), (text) => {
    const sealed = sealPayload(key, place, text);
    expect(openPayload(key, place, sealed)).toBe(text.toWellFormed());
  }));
  const sealed = sealPayload(key, place, 'text');
  for (const other of [{ ...place, kind: 'outcome' }, { ...place, call: 'c2' }, { ...place, tenant: 'other' }]) expect(() => openPayload(key, other, sealed)).toThrow();
  expect(() => openPayload(keys.sealing('other', NOVEMBER), place, sealed)).toThrow();
  expect(sealPayload(key, place, 'text').data).not.toBe(sealed.data);
});

test('a payload beyond the cap is cut between characters and says how long it was', () => {
  const key = openKeys(temporaryDir()).sealing('acme', NOVEMBER);
  const place = { kind: 'outcome', call: 'c1', tenant: 'acme' };
  const text = `a${'é'.repeat(MAX_PAYLOAD_BYTES / 2)}`;
  const sealed = sealPayload(key, place, text);
  expect(sealed.of).toBe(MAX_PAYLOAD_BYTES + 1);
  const opened = openPayload(key, place, sealed);
  expect(Buffer.byteLength(opened)).toBe(MAX_PAYLOAD_BYTES - 1);
  expect(text.startsWith(opened)).toBe(true);
  expect(sealPayload(key, place, 'x'.repeat(MAX_PAYLOAD_BYTES)).of).toBeUndefined();
});

test('an erased key is in no file any more, is listed as erased, and opens nothing; a new call gets a new one [RETENTION-2]', () => {
  const dataDir = temporaryDir();
  const keys = openKeys(dataDir);
  const [first, second, other] = [keys.sealing('acme', NOVEMBER), keys.sealing('acme', DECEMBER), keys.sealing('other', DECEMBER)];
  const wrapped = wrappedKeys(dataDir);
  expect(wrapped).toHaveLength(3);
  for (const one of wrapped) expect(filesWith(dataDir, one).length).toBeGreaterThan(0);

  expect(keys.condemn('acme')).toEqual([first.id, second.id]);
  keys.destroy('acme', DECEMBER);

  const left = wrappedKeys(dataDir);
  expect(left).toHaveLength(1);
  for (const one of wrapped) expect(filesWith(dataDir, one).length > 0).toBe(one.equals(left[0] as Buffer));
  expect(keys.opening(first.id)).toBeUndefined();
  expect(keys.opening(second.id)).toBeUndefined();
  expect(keys.opening(other.id)?.key).toEqual(other.key);
  expect(listTenantKeys(dataDir).filter(({ erasedAt }) => erasedAt === DECEMBER).map(({ id }) => id)).toEqual([first.id, second.id]);
  expect([first.id, second.id]).not.toContain(keys.sealing('acme', DECEMBER).id);
});

test('a stop between the wish to erase and the erasure is seen at the next start [RETENTION-2]', () => {
  const dataDir = temporaryDir();
  const before = openTenantKeys(dataDir, openSecret(dataDir).derive('tenant-keys'));
  const { id } = before.sealing('acme', NOVEMBER);
  before.condemn('acme');
  before.close();
  const keys = openKeys(dataDir);
  expect(keys.condemned()).toEqual(['acme']);
  expect(keys.sealing('acme', NOVEMBER).id).not.toBe(id);
  keys.destroy('acme', NOVEMBER);
  expect(keys.condemned()).toEqual([]);
  expect(keys.opening(id)).toBeUndefined();
});
