import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { createKeyStore, hashKey, openSecret, type KeyStore, type KeyStoreOptions } from '../../store/index.ts';
import { listeningLog, temporaryDir, until } from './support.ts';

const STORE = new URL('../../store/index.ts', import.meta.url).href;

function openKeys(dir: string, options: Partial<KeyStoreOptions> = {}): KeyStore {
  const keys = createKeyStore(dir, { log: silentLog, ...options });
  onTestFinished(() => keys.close());
  return keys;
}

/** Runs in another process, with `keys` open on the directory; returns what it prints. */
function elsewhere(dir: string, script: string): string {
  const source = `
    import { createKeyStore } from ${JSON.stringify(STORE)};
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const keys = createKeyStore(${JSON.stringify(dir)}, { log, pollMs: false });
    ${script}
    keys.close();
  `;
  return execFileSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' }).trim();
}

test('a key is 256 random bits, found by its hash, and only by that [AUTH-5]', () => {
  const keys = openKeys(temporaryDir());
  const { id, key } = keys.create('alice');
  expect(key).toMatch(/^sbx_[\w-]{43}$/);
  expect(id).toMatch(/^[0-9a-f]{8}$/);
  expect(keys.findByHash(hashKey(key))).toMatchObject({ id, caller: 'alice' });
  expect(keys.findByHash(key)).toBeUndefined();
  expect(keys.findByHash(hashKey(`${key} `))).toBeUndefined();
  expect(keys.create('alice').key).not.toBe(key);
});

test('no file holds a key, and all of them are for the owner alone [AUTH-5]', () => {
  const dir = temporaryDir();
  const keys = openKeys(dir);
  const { key } = keys.create('alice');
  for (const name of readdirSync(dir)) {
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, name), 'latin1')).not.toContain(key.slice(4));
  }
  expect(JSON.stringify(keys.list())).not.toContain(hashKey(key));
});

test('a key that another process revokes stops working within a second, one that it makes starts [AUTH-2]', async () => {
  const dir = temporaryDir();
  const keys = openKeys(dir);
  const { id, key } = keys.create('alice');
  const made = elsewhere(dir, `console.log(keys.create('bob').key); keys.revoke(${JSON.stringify(id)});`);
  const start = performance.now();
  await until(() => keys.findByHash(hashKey(key)) === undefined && keys.findByHash(hashKey(made)) !== undefined);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(keys.findByHash(hashKey(made))?.caller).toBe('bob');
});

test('revoking works once, at once, and stays in the list with its time', () => {
  const dir = temporaryDir();
  const keys = openKeys(dir, { pollMs: false });
  const { id, key } = keys.create('alice');
  expect(keys.revoke('00000000')).toBe(false);
  expect(keys.revoke(id)).toBe(true);
  expect(keys.findByHash(hashKey(key))).toBeUndefined();
  expect(keys.revoke(id)).toBe(false);
  expect(keys.list()).toMatchObject([{ id, caller: 'alice', revokedAt: expect.any(Number) }]);
  expect(openKeys(dir).findByHash(hashKey(key))).toBeUndefined();
});

test('a key store that cannot be read refuses every key, and says so once, until it can', async () => {
  const dir = temporaryDir();
  const { log, lines } = listeningLog();
  const keys = openKeys(dir, { log, pollMs: 5 });
  const { key } = keys.create('alice');
  const other = new Database(join(dir, 'state.db'));
  other.exec('ALTER TABLE keys RENAME TO hidden');
  const refuses = (): boolean => {
    try {
      keys.findByHash(hashKey(key));
      return false;
    } catch {
      return true;
    }
  };
  await until(refuses);
  expect(() => keys.findByHash(hashKey(key))).toThrow(/the key store cannot be read: no such table/);
  other.exec('ALTER TABLE hidden RENAME TO keys');
  other.close();
  await until(() => !refuses());
  expect(keys.findByHash(hashKey(key))).toMatchObject({ caller: 'alice' });
  expect(lines).toEqual(['error the key store cannot be read: keys are refused until it can', 'info the key store can be read again']);
});

test('the secret is made once, for the owner alone, and gives each purpose its own key', () => {
  const dir = join(temporaryDir(), 'data');
  const secret = openSecret(dir);
  const path = join(dir, 'secret.key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['secret.key']);
  expect(secret.derive('audit-arguments')).toEqual(openSecret(dir).derive('audit-arguments'));
  expect(secret.derive('audit-arguments')).toHaveLength(32);
  expect(secret.derive('request-state')).not.toEqual(secret.derive('audit-arguments'));
  expect(openSecret(temporaryDir()).derive('audit-arguments')).not.toEqual(secret.derive('audit-arguments'));
  expect(readFileSync(path, 'utf8')).not.toContain(secret.derive('audit-arguments').toString('hex'));
});

test('of processes that come at once all get the one secret', async () => {
  const dir = temporaryDir();
  const script = `import { openSecret } from ${JSON.stringify(STORE)}; console.log(openSecret(${JSON.stringify(dir)}).derive('x').toString('hex'))`;
  const { promisify } = await import('node:util');
  const { execFile } = await import('node:child_process');
  const run = promisify(execFile);
  const all = await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, ['--input-type=module', '-e', script])));
  expect(new Set(all.map(({ stdout }) => stdout.trim())).size).toBe(1);
  expect(readdirSync(dir)).toEqual(['secret.key']);
});

test('a secret that is damaged is refused, never replaced', () => {
  const dir = temporaryDir();
  openSecret(dir);
  const path = join(dir, 'secret.key');
  truncateSync(path, 20);
  expect(() => openSecret(dir)).toThrow(/secret\.key is damaged/);
  writeFileSync(path, '');
  expect(() => openSecret(dir)).toThrow(/secret\.key is damaged/);
});
