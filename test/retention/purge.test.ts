/** Purges: what they take, what they say, what they leave, and that holds stop them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { LEDGER_FILE, RETENTION_FILE } from '../../store/index.ts';
import { openReadOnly } from '../../store/sqlite.ts';
import { temporaryDir } from '../store/support.ts';
import { until } from '../support/poll.ts';
import { callsLeft, checked, DAY_MS, filesWith, keep, proofOf, recordsOfKind, verified, wordOf, wordsIn, writeCalls, type OldCall } from './support.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const now = (): number => NOW;
const OLD = NOW - 100 * DAY_MS;
const KEEP_90_DAYS = { keepMs: 90 * DAY_MS };

const calls = (count: number, time: number, more: Partial<OldCall> = {}, name = 'old'): OldCall[] =>
  Array.from({ length: count }, (_, at) => ({ call: `${name}-${at}`, time: time + at, ...more }));

test('text of old records leaves every file, their hashes stay, and what was taken is said before [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(ledger, [...calls(300, OLD), ...calls(20, NOW - 1000, {}, 'young')]);
  const before = verified(dataDir);
  expect(wordsIn(dataDir).size).toBe(320);

  expect(await keeper.desk.purge(undefined, undefined, 'operator', true)).toMatchObject({ records: 600 });
  expect(wordsIn(dataDir).size).toBe(320);
  expect(await keeper.desk.purge(undefined, undefined, 'operator', false)).toMatchObject({ records: 600, held: 0, isComplete: true });

  expect([...wordsIn(dataDir)].filter((call) => !call.startsWith('young-'))).toEqual([]);
  expect(callsLeft(dataDir)).toEqual(calls(20, 0, {}, 'young').map(({ call }) => call));
  const [said, ...more] = recordsOfKind(dataDir, 'purge');
  expect(more).toEqual([]);
  expect(said).toMatchObject({ from: 1, to: 600, count: 600, ranges: [[1, 600]], before: NOW - 90 * DAY_MS, reason: 'retention: keep 90d', by: 'operator', held: 0, config: 'a'.repeat(16) });
  expect(verified(dataDir)).toMatchObject({ ok: true, records: 641, purged: { records: 600 } });
  expect(before).toMatchObject({ ok: true, records: 640 });
});

test('a second purge says nothing and takes nothing; the next day it takes what has grown old [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  let time = NOW;
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, () => time);
  await writeCalls(ledger, [...calls(10, OLD), ...calls(10, NOW - 90 * DAY_MS + 3_600_000, {}, 'next')]);
  keeper.beat();
  await until('the first purge', () => recordsOfKind(dataDir, 'purge').length === 1 && wordsIn(dataDir).size === 10);
  keeper.beat();
  expect(await keeper.desk.purge(undefined, undefined, 'operator', false)).toMatchObject({ records: 0 });
  expect(recordsOfKind(dataDir, 'purge')).toHaveLength(1);
  time += DAY_MS;
  keeper.beat();
  await until('the second purge', () => wordsIn(dataDir).size === 0);
  expect(recordsOfKind(dataDir, 'purge')).toHaveLength(2);
  expect(verified(dataDir).ok).toBe(true);
});

test('records are kept for ever where nothing else is said', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, undefined, now);
  await writeCalls(ledger, calls(3, 1));
  keeper.beat();
  await expect(keeper.desk.purge(undefined, undefined, 'operator', false)).rejects.toThrow(/kept for ever/);
  expect(callsLeft(dataDir)).toHaveLength(3);
});

test('open calls, records of this month, and what purges, holds and erasures said are never purged [RETENTION-6]', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, undefined, now);
  await writeCalls(ledger, calls(8, OLD));
  await ledger.write({ kind: 'hold', time: OLD, action: 'release', hold: 'hold_none', reason: 'none', by: 'operator' });
  await ledger.write({ kind: 'erase', time: OLD, tenant: 'none', keys: [], by: 'operator' });
  await ledger.write({ kind: 'intent', time: OLD, call: 'open', caller: 'alice', tenant: 'acme' });
  await writeCalls(ledger, [...calls(8, OLD, {}, 'behind'), ...calls(8, Date.UTC(2026, 10, 1), {}, 'month')]);
  await keeper.desk.purge(NOW, 'all of it', 'operator', false);
  expect(callsLeft(dataDir)).toEqual(['open', ...calls(8, 0, {}, 'behind').map(({ call }) => call), ...calls(8, 0, {}, 'month').map(({ call }) => call)]);
  expect(recordsOfKind(dataDir, 'hold')).toHaveLength(1);
  expect(recordsOfKind(dataDir, 'erase')).toHaveLength(1);

  await ledger.write({ kind: 'outcome', time: NOW, call: 'open' });
  await keeper.desk.purge(NOW, 'all of it', 'operator', false);
  expect(callsLeft(dataDir)).toEqual(calls(8, 0, {}, 'month').map(({ call }) => call));
  expect(recordsOfKind(dataDir, 'purge').map(({ reason }) => reason)).toEqual(['all of it', 'all of it']);
  expect(verified(dataDir).ok).toBe(true);
});

test('records of a clock that was ahead are not taken before their time, and hide none behind them', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(ledger, [...calls(4, NOW + 1000 * DAY_MS, {}, 'ahead'), ...calls(4, OLD)]);
  await keeper.desk.purge(undefined, undefined, 'operator', false);
  expect(callsLeft(dataDir)).toEqual(['ahead-0', 'ahead-1', 'ahead-2', 'ahead-3']);
});

test.each([
  ['a tenant', { tenant: 'acme' }, (call: OldCall) => call.tenant === 'acme'],
  ['a caller', { caller: 'bob' }, (call: OldCall) => call.caller === 'bob'],
  ['a time', { fromMs: OLD + 10, toMs: OLD + 20 }, ({ time }: OldCall) => time >= OLD + 5 && time < OLD + 20],
  ['everything of a tenant and caller', { tenant: 'other', caller: 'bob' }, ({ tenant, caller }: OldCall) => tenant === 'other' && caller === 'bob'],
])('a hold on %s keeps its calls, beginning and end, and nothing else; released it keeps none [RETENTION-7]', async (_what, terms, isHeld) => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, now);
  const all = Array.from({ length: 40 }, (_, at): OldCall => ({ call: `c-${at}`, time: OLD + at, tenant: at % 2 === 0 ? 'acme' : 'other', caller: at % 3 === 0 ? 'bob' : 'alice' }));
  await writeCalls(ledger, all);
  const { id } = await keeper.desk.hold({ ...terms, reason: 'the case of Smith' }, 'operator');
  const purged = await keeper.desk.purge(undefined, undefined, 'operator', false);
  expect(purged.held).toBeGreaterThan(0);
  expect([...wordsIn(dataDir)].sort()).toEqual(all.filter(isHeld).map(({ call }) => call).sort());
  expect(verified(dataDir).ok).toBe(true);
  expect(recordsOfKind(dataDir, 'hold')).toMatchObject([{ action: 'add', hold: id, reason: 'the case of Smith', by: 'operator' }]);

  await keeper.desk.release(id, 'settled', 'operator');
  await expect(keeper.desk.release(id, 'settled', 'operator')).rejects.toThrow(/no hold/);
  await keeper.desk.purge(undefined, undefined, 'operator', false);
  expect(wordsIn(dataDir).size).toBe(0);
  expect(verified(dataDir).ok).toBe(true);
});

test('a hold outlives a restart and the loss of its file, and a file that cannot be read stops every purge [RETENTION-7]', async () => {
  const dataDir = temporaryDir();
  const first = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(first.ledger, calls(4, OLD));
  const released = await first.keeper.desk.hold({ tenant: 'acme', reason: 'one' }, 'operator');
  const held = await first.keeper.desk.hold({ tenant: 'acme', fromMs: 5, reason: 'two' }, 'operator');
  await first.keeper.desk.release(released.id, 'over', 'operator');
  await first.close();

  const path = join(dataDir, RETENTION_FILE);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, -20));
  const second = await keep(dataDir, KEEP_90_DAYS, now);
  await expect(second.keeper.desk.purge(undefined, undefined, 'operator', false)).rejects.toThrow(/which holds are in force is not known/);
  rmSync(path);
  expect(await second.keeper.desk.holds()).toEqual([held]);
  expect(await second.keeper.desk.purge(undefined, undefined, 'operator', false)).toMatchObject({ records: 0, held: 8 });
  expect(wordsIn(dataDir).size).toBe(4);
});

test('a purge that cannot be recorded takes nothing [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(ledger, calls(8, OLD));
  const other = new Database(join(dataDir, LEDGER_FILE));
  other.exec('BEGIN IMMEDIATE');
  await expect(keeper.desk.purge(undefined, undefined, 'operator', false)).rejects.toThrow(/cannot be written/);
  other.exec('ROLLBACK');
  other.close();
  expect(callsLeft(dataDir)).toHaveLength(8);
  await until('the ledger to recover', () => ledger.health().ok);
  expect(await keeper.desk.purge(undefined, undefined, 'operator', false)).toMatchObject({ records: 16 });
  expect(wordsIn(dataDir).size).toBe(0);
});

test('calls go on while a purge runs, and a reader that holds the log back only delays its end [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper } = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(ledger, calls(1000, OLD), 16);
  const reader = openReadOnly(join(dataDir, LEDGER_FILE));
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM pages').get();
  let isPurging = true;
  const purging = keeper.desk.purge(undefined, undefined, 'operator', false).finally(() => (isPurging = false));
  let written = 0;
  let longestMs = 0;
  for (; isPurging; written++) {
    const since = performance.now();
    await ledger.write({ kind: 'intent', time: NOW, call: `during-${written}` });
    longestMs = Math.max(longestMs, performance.now() - since);
  }
  expect(await purging).toMatchObject({ records: 2000, isComplete: false });
  expect(written).toBeGreaterThan(20);
  expect(longestMs).toBeLessThan(1000);
  expect(filesWith(dataDir, wordOf('old-7'))).not.toEqual([]);
  reader.close();
  expect(await keeper.desk.purge(undefined, undefined, 'operator', false)).toMatchObject({ records: 0, isComplete: true });
  expect(wordsIn(dataDir).size).toBe(0);
  expect(verified(dataDir).ok).toBe(true);
});

test('proofs hold after a purge: of the records that are left, of what says that it was done, and those of purged records that were made before [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const first = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(first.ledger, [...calls(20, OLD), ...calls(5, NOW, {}, 'young')]);
  await first.close();
  const before = proofOf(dataDir, 7);

  const second = await keep(dataDir, KEEP_90_DAYS, now);
  await second.keeper.desk.purge(undefined, undefined, 'operator', false);
  // A checkpoint over the record of the purge is there at once, not only with the next.
  await until('the checkpoint', () => {
    const result = verified(dataDir);
    return result.ok && result.purged.unsigned === undefined;
  });
  const left = recordsOfKind(dataDir, 'intent').concat(recordsOfKind(dataDir, 'outcome'), recordsOfKind(dataDir, 'purge')).map(({ seq }) => Number(seq));
  expect(left).toHaveLength(11);
  for (const seq of left) expect(checked(dataDir, proofOf(dataDir, seq))).toMatchObject({ ok: true, seq });
  expect(checked(dataDir, before)).toMatchObject({ ok: true, seq: 7 });
  expect(() => proofOf(dataDir, 7)).toThrow(/was purged/);
});

test('text that is gone without a record of a purge is found, and named [RETENTION-8]', async () => {
  const dataDir = temporaryDir();
  const { ledger, keeper, close } = await keep(dataDir, KEEP_90_DAYS, now);
  await writeCalls(ledger, [...calls(8, OLD), ...calls(8, NOW, {}, 'young')], 1);
  await keeper.desk.purge(undefined, undefined, 'operator', false);
  await close();
  const db = new Database(join(dataDir, LEDGER_FILE));
  const page = db.prepare<[], { first: number; bodies: string }>("SELECT first, bodies FROM pages WHERE bodies LIKE '%young-3%' LIMIT 1").get() as { first: number; bodies: string };
  db.prepare('UPDATE pages SET bodies = ? WHERE first = ?').run('\n'.repeat(page.bodies.split('\n').length - 1), page.first);
  db.close();
  expect(verified(dataDir)).toMatchObject({ ok: false, seq: page.first, reason: expect.stringMatching(/purge/) as string });
});
