/** A ledger that cannot be written: refusals in clear words, nothing lost that happened, recovery by itself. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { LedgerUnavailable } from '../../core/audit.ts';
import { verifyLedger } from '../../store/index.ts';
import { bodies, intent, kinds, ledgerPath, listeningLog, openLedger, outcome, readAll, temporaryDir, until } from './support.ts';

const filler = 'x'.repeat(20_000);

test('a full disk (here: a bound on the database) refuses writes, keeps the chain, and the ledger opens again with room', async () => {
  const dir = temporaryDir();
  const { log, lines } = listeningLog();
  const ledger = await openLedger(dir, { maxPages: 100, log });
  let written = 0;
  const fill = async (): Promise<void> => {
    for (;;) {
      await ledger.write({ ...intent(`c${written}`), filler });
      ledger.writeSoon(outcome(`c${written}`));
      written += 1;
    }
  };
  const refusal = await fill().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(LedgerUnavailable);
  expect((refusal as Error).message).toMatch(/cannot be written: the disk is full \(SQLITE_FULL/);
  expect(ledger.health()).toMatchObject({ ok: false, problem: expect.stringContaining('the disk is full') });
  await expect(ledger.write({ ...intent('again'), filler })).rejects.toBeInstanceOf(LedgerUnavailable);
  await ledger.close();
  expect(lines.filter((line) => line.startsWith('error the ledger cannot be written'))).toHaveLength(1);

  const roomy = await openLedger(dir);
  await roomy.write(intent('after'));
  await roomy.close();
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true });
  const recorded = kinds(dir);
  expect(recorded).not.toContain('intent again');
  for (let index = 0; index < written; index += 1) expect(recorded).toContain(`intent c${index}`);
});

/** A file system of 2 MiB, where this machine lets us have one. */
function smallDisk(): string | undefined {
  const dir = temporaryDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', dir]));
  return dir;
}

test('a disk that fills up and is cleared: calls are refused meanwhile, outcomes wait, and it goes on by itself [LEDGER-3]', async (context) => {
  const disk = smallDisk();
  if (disk === undefined) return context.skip('mounting a tmpfs is not permitted here');
  const dir = join(disk, 'data');
  const ledger = await openLedger(dir, { retryMs: 20 });
  await ledger.write(intent('before'));
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(4 << 20));
  } catch {
    // As much as went in.
  }
  ledger.writeSoon({ ...outcome('before'), filler });
  await expect(ledger.write({ ...intent('refused'), filler })).rejects.toThrow(/disk is full/);
  expect(ledger.health().ok).toBe(false);
  // Tried again and again meanwhile, and neither lost nor written twice.
  await expect(ledger.write({ ...intent('refused too'), filler })).rejects.toThrow(/disk is full/);
  rmSync(ballast);
  await until(() => ledger.health().ok);
  expect(kinds(dir)).toEqual(['intent before', 'outcome before']);
  await ledger.write(intent('after'));
  await ledger.close();
  expect(kinds(dir)).toEqual(['intent before', 'outcome before', 'intent after']);
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true, records: 3 });
});

test('a database that another program locks refuses writes, and recovers without a call when it lets go', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir, { retryMs: 20 });
  await ledger.write(intent('a'));
  const other = new Database(ledgerPath(dir));
  other.exec('BEGIN IMMEDIATE');
  await expect(ledger.write(intent('b'))).rejects.toThrow(/another program holds the database locked/);
  other.exec('ROLLBACK');
  other.close();
  await until(() => ledger.health().ok);
  await ledger.write(intent('c'));
  expect(kinds(dir)).toEqual(['intent a', 'intent c']);
});

test('outcomes handed in while the ledger cannot be written are all kept, in order', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir, { retryMs: 20, lagMs: 1 });
  const calls = Array.from({ length: 30 }, (_, index) => `c${index}`);
  await Promise.all(calls.map((call) => ledger.write(intent(call))));
  const other = new Database(ledgerPath(dir));
  other.exec('BEGIN IMMEDIATE');
  const refused = expect(ledger.write(intent('refused'))).rejects.toBeInstanceOf(LedgerUnavailable);
  for (const call of calls) ledger.writeSoon(outcome(call));
  await refused;
  other.exec('ROLLBACK');
  other.close();
  await until(() => readAll(dir).length === 60);
  expect(kinds(dir)).toEqual([...calls.map((call) => `intent ${call}`), ...calls.map((call) => `outcome ${call}`)]);
});

test('refusals without end while the ledger cannot be written are bounded, and how many were not recorded is recorded', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir, { retryMs: 20, lagMs: 1 });
  await ledger.write(intent('a'));
  const other = new Database(ledgerPath(dir));
  other.exec('BEGIN IMMEDIATE');
  await expect(ledger.write(intent('b'))).rejects.toBeInstanceOf(LedgerUnavailable);
  for (let index = 0; index < 5000; index += 1) ledger.writeSoon({ kind: 'refused', time: 1 });
  ledger.writeSoon(outcome('a'));
  other.exec('ROLLBACK');
  other.close();
  await until(() => bodies(dir).at(-1)?.['unrecorded'] !== undefined);
  const all = bodies(dir);
  const unrecorded = all.at(-1)?.['unrecorded'] as number;
  expect(unrecorded).toBeGreaterThanOrEqual(3000);
  expect(all.filter(({ kind }) => kind === 'refused').length - 1 + unrecorded).toBe(5000);
  expect(all.some(({ kind, call }) => kind === 'outcome' && call === 'a')).toBe(true);
});

test('a writer thread that dies is replaced: each write is answered as the database says, the rest is kept', async () => {
  const dir = temporaryDir();
  const threads: Worker[] = [];
  const ledger = await openLedger(dir, { onThread: (thread) => threads.push(thread), retryMs: 20 });
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  for (let round = 0; round < 25; round += 1) {
    const writes = Array.from({ length: 20 }, async (_, index) => {
      const call = `r${round}c${index}`;
      ledger.writeSoon(outcome(call));
      await ledger.write(intent(call)).then(
        () => acknowledged.add(call),
        () => refused.add(call),
      );
    });
    // At another moment of the commit each round: before it is sent, while it runs, when it has been answered.
    for (let turn = 0; turn < round % 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    void threads.at(-1)?.terminate();
    await Promise.all(writes);
  }
  await until(() => ledger.health().ok);
  await ledger.write(intent('last'));
  await ledger.close();
  const recorded = new Set(kinds(dir));
  expect([...acknowledged].filter((call) => !recorded.has(`intent ${call}`))).toEqual([]);
  expect([...refused].filter((call) => recorded.has(`intent ${call}`))).toEqual([]);
  expect(acknowledged.size + refused.size).toBe(500);
  expect(bodies(dir).filter(({ kind }) => kind === 'outcome')).toHaveLength(500);
  expect(new Set(bodies(dir).map(({ kind, call }) => `${kind} ${call}`)).size).toBe(bodies(dir).length);
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true, records: bodies(dir).length });
  expect(threads.length).toBeGreaterThan(20);
});
