/** When checkpoints are made, what they go on from, and that one is a beginning of the next whatever happens. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { checkConsistency, createLedger, createVerifier, openCheckpoint, proveConsistency, verifyLedger, type LedgerOptions } from '../../store/index.ts';
import { until } from '../support/poll.ts';
import { ledgerPath, PUBLIC_KEY, signedLedger, signing, temporaryDir } from './support.ts';

const verifier = createVerifier(PUBLIC_KEY);
const sizeOf = (note: string): number => {
  const opened = openCheckpoint(note, verifier);
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.size;
};
const open = (dataDir: string, options: Partial<LedgerOptions> = {}) => createLedger({ dataDir, log: silentLog, ...options });
const record = (number: number) => ({ kind: 'auth' as const, time: number });
const change = (dir: string, sql: string): void => {
  const db = new Database(ledgerPath(dir));
  db.exec(sql);
  db.close();
};

test('a checkpoint comes after so many records, after so long, and when the ledger closes; without anything new none does', async () => {
  const dir = temporaryDir();
  const notes: string[] = [];
  const byCount = await open(dir, { checkpoints: signing(notes, { records: 10 }) });
  for (let number = 0; number < 25; number += 1) await byCount.write(record(number));
  await until('checkpoints by count', () => notes.length >= 2 || undefined);
  await byCount.close();
  const sizes = notes.map(sizeOf);
  expect(sizes.at(-1)).toBe(25);
  expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes);
  expect(sizes.length).toBe(3);
  const byTime = await open(dir, { checkpoints: signing(notes, { everyMs: 20 }) });
  await byTime.write(record(26));
  await until('a checkpoint by time', () => notes.length === 4 || undefined);
  await byTime.close();
  const idle = await open(dir, { checkpoints: signing(notes, { everyMs: 5 }) });
  await idle.close();
  expect(notes.map(sizeOf).slice(3)).toEqual([26]);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: true, records: 26, checkpoints: { count: 4, vouched: 26 } });
});

test('what was written without a key is in the next checkpoint; a start reads hashes from the newest one on, and no body', async () => {
  const dir = temporaryDir();
  const notes: string[] = [];
  const before = await open(dir);
  await Promise.all(Array.from({ length: 700 }, (_, number) => before.write(record(number))));
  await before.close();
  await (await open(dir, { checkpoints: signing(notes) })).close();
  const between = await open(dir);
  await Promise.all(Array.from({ length: 300 }, (_, number) => between.write(record(number))));
  await between.close();
  // Were bodies read, or hashes before the newest checkpoint, another root would be signed.
  change(dir, "CREATE TABLE kept AS SELECT * FROM pages; UPDATE pages SET hashes = zeroblob(length(hashes)) WHERE first < 400; UPDATE pages SET bodies = 'x' WHERE first < 400");
  await (await open(dir, { checkpoints: signing(notes) })).close();
  change(dir, 'DELETE FROM pages; INSERT INTO pages SELECT * FROM kept');
  expect(notes.map(sizeOf)).toEqual([700, 1000]);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: true, checkpoints: { count: 2, vouched: 1000 } });
});

/** Killed with -9 once it has printed `checkpoints` of them. */
async function killedWriter(dir: string, checkpoints: number): Promise<string[]> {
  const child = spawn(process.execPath, [new URL('./writer.ts', import.meta.url).pathname, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const notes: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    notes.push(JSON.parse(line) as string);
    if (notes.length === checkpoints) child.kill('SIGKILL');
  }
  return notes;
}

test('killed with -9 between records and checkpoints: each checkpoint is a beginning of the next [REGISTER-5]', async () => {
  const dir = temporaryDir();
  const told: string[] = [];
  for (let run = 1; run <= 4; run += 1) told.push(...(await killedWriter(dir, run * 3)));
  await (await open(dir, { checkpoints: signing(told) })).close();
  const checkpoints = told.map((note) => ({ note, from: 'elsewhere' }));
  const result = verifyLedger(ledgerPath(dir), { verifier, checkpoints });
  expect(result).toMatchObject({ ok: true });
  const db = new Database(ledgerPath(dir), { readonly: true });
  const sizes = db.prepare<[], number>('SELECT size FROM checkpoints ORDER BY size').pluck().all();
  db.close();
  expect(told.map(sizeOf).filter((size) => !sizes.includes(size))).toEqual([]);
  expect(sizes.length).toBeGreaterThan(20);
  for (const [index, size] of sizes.slice(1).entries()) {
    const from = sizes[index] as number;
    expect(checkConsistency(proveConsistency(ledgerPath(dir), from, size), verifier)).toMatchObject({ ok: true, older: { size: from }, newer: { size } });
  }
}, 30_000);

test.each([
  ['was signed with another key', "UPDATE checkpoints SET note = replace(note, 'signalbox/', 'signalbox/0')", /newest checkpoint \(of 12 records\) is not one that this data directory signed.*secret\.key was replaced/],
  ['speaks of more records than there are', 'DELETE FROM pages WHERE first > 10; DELETE FROM meta', /vouches for more records than there are: the ledger ends at seq 10/],
  ['does not fit what was kept with it', 'UPDATE frontier SET hashes = zeroblob(length(hashes))', /does not fit the hashes that were kept with it/],
  ['has lost what was kept with it', 'DELETE FROM frontier', /does not fit the hashes that were kept with it/],
])('a log signs nothing that contradicts what it signed: one whose newest checkpoint %s is not written on', async (_what, damage, words) => {
  const { dir } = await signedLedger();
  change(dir, damage);
  await expect(open(dir, { checkpoints: signing([]) })).rejects.toThrow(words);
});

test('a disk that takes no checkpoint is told, and calls go on; the next one vouches for all of it', async () => {
  const dir = temporaryDir();
  const notes: string[] = [];
  const problems: string[] = [];
  const ledger = await open(dir, { checkpoints: { ...signing(notes, { everyMs: 10 }), onProblem: (problem) => void problems.push(problem) } });
  change(dir, "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'no room for checkpoints'); END");
  await ledger.write(record(1));
  await until('a problem', () => problems.length >= 2 || undefined);
  await ledger.write(record(2));
  expect(problems[0]).toContain('no room for checkpoints');
  expect(ledger.health()).toEqual({ ok: true });
  expect(notes).toEqual([]);
  change(dir, 'DROP TRIGGER refuse');
  await until('a checkpoint', () => notes.length > 0 || undefined);
  await ledger.close();
  expect(sizeOf(notes[0] ?? '')).toBe(2);
});

test('a text that was purged leaves chain, tree and checkpoints whole, and is missed where no purge speaks of it [REGISTER-8]', async () => {
  const dir = temporaryDir();
  const ledger = await open(dir, { checkpoints: signing([], { records: 5 }) });
  for (let number = 1; number <= 10; number += 1) await ledger.write(record(number));
  const purge = (ranges: number[][]) => ledger.write({ kind: 'purge', time: 1, from: ranges[0]?.[0], to: ranges.at(-1)?.[1], ranges, reason: 'retention' });
  await ledger.blank([[2, 5]]);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: false, seq: 2, reason: expect.stringContaining('no later record of the kind "purge"') });
  await purge([[2, 3], [5, 5]]);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: false, seq: 4 });
  await purge([[4, 4]]);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: true, purged: { records: 4, unsigned: true } });
  await ledger.close();
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: true, purged: { records: 4 } });
  expect(verifyLedger(ledgerPath(dir), { verifier })).not.toHaveProperty('purged.unsigned');
  change(dir, `UPDATE pages SET hashes = zeroblob(32) WHERE first = 3`);
  expect(verifyLedger(ledgerPath(dir), { verifier })).toMatchObject({ ok: false });
});
