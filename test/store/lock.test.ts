import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockDataDir, readGatewayInfo, writeGatewayInfo, type DataDirLock } from '../../store/index.ts';
import { temporaryDir } from './support.ts';

const STORE = new URL('../../store/index.ts', import.meta.url).href;

/** A process that takes the lock, says what it got, and stays. */
async function locker(dir: string): Promise<{ child: ChildProcess; got: string }> {
  const script = `
    import { lockDataDir } from ${JSON.stringify(STORE)};
    const lock = lockDataDir(${JSON.stringify(dir)});
    console.log('heldBy' in lock ? 'held by ' + lock.heldBy?.pid : 'locked');
    if (!('heldBy' in lock)) setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { child, got: chunk.toString().trim() };
}

function locked(dir: string): DataDirLock {
  const lock = lockDataDir(dir);
  if ('heldBy' in lock) throw new Error('held');
  onTestFinished(() => lock.release());
  return lock;
}

test('a second process is told who holds the directory [LEDGER-5]', async () => {
  const dir = temporaryDir();
  const lock = locked(dir);
  writeGatewayInfo(dir, { ...lock.info, url: 'http://127.0.0.1:7420' });
  expect((await locker(dir)).got).toBe(`held by ${process.pid}`);
  expect(lockDataDir(dir)).toMatchObject({ heldBy: { pid: process.pid, url: 'http://127.0.0.1:7420' } });
  // Neither the refused process nor the refused attempt in this one has broken the lock.
  expect((await locker(dir)).got).toBe(`held by ${process.pid}`);
});

test('the lock goes with its process, killed or not, and what it said of itself is replaced', async () => {
  const dir = temporaryDir();
  const { child, got } = await locker(dir);
  expect(got).toBe('locked');
  expect(lockDataDir(dir)).toMatchObject({ heldBy: { pid: child.pid } });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readGatewayInfo(dir)?.pid).toBe(child.pid);
  locked(dir);
  expect(readGatewayInfo(dir)?.pid).toBe(process.pid);
});

test('of many processes that come at once, one gets the directory', async () => {
  const dir = temporaryDir();
  const all = await Promise.all(Array.from({ length: 6 }, () => locker(dir)));
  expect(all.filter(({ got }) => got === 'locked')).toHaveLength(1);
});

test('release gives the directory back, removes the description, and harms no later holder', () => {
  const dir = temporaryDir();
  const first = locked(dir);
  first.release();
  expect(readGatewayInfo(dir)).toBeUndefined();
  locked(dir);
  first.release();
  expect(readGatewayInfo(dir)?.pid).toBe(process.pid);
  expect(lockDataDir(dir)).toHaveProperty('heldBy');
});

test('everything is for the owner alone, and nothing half-written stays behind', () => {
  const dir = join(temporaryDir(), 'new');
  locked(dir);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(dir)) expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
  expect(readdirSync(dir).sort()).toEqual(['gateway.json', 'lock.db']);
});

test('each holder has an admin token of its own, of 256 bits', () => {
  const dir = temporaryDir();
  const first = locked(dir);
  first.release();
  const second = locked(dir);
  expect(second.info.adminToken).not.toBe(first.info.adminToken);
  expect(Buffer.from(second.info.adminToken, 'base64url')).toHaveLength(32);
  expect(JSON.parse(readFileSync(join(dir, 'gateway.json'), 'utf8'))).toEqual(second.info);
});

test('a description that is cut short or of another shape counts as none', () => {
  const dir = temporaryDir();
  for (const text of ['', '{"pid":', 'null', '{"pid":"1"}', '[]', '{"pid":1,"startedAt":"x","adminToken":"y","url":7}']) {
    writeFileSync(join(dir, 'gateway.json'), text);
    expect(readGatewayInfo(dir)).toBeUndefined();
  }
});
