import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { LedgerUnavailable, type AuditRecord } from '../../core/audit.ts';
import { createLedgerReader, verifyLedger } from '../../store/index.ts';
import { requireSqliteVersion } from '../../store/sqlite.ts';
import { bodies, intent, kinds, ledgerPath, listeningLog, openLedger, outcome, readAll, temporaryDir, until } from './support.ts';

test('a record is kept as seq, prev and its own JSON, and its hash is SHA-256 of exactly that text', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const first: AuditRecord = { kind: 'start', time: 5, note: 'Grüße\n"\u2028\ud800' };
  await ledger.write(first);
  await ledger.write(intent('a'));
  const [one, two] = readAll(dir);
  expect(one?.body).toBe(`{"seq":1,"prev":"${'0'.repeat(64)}",${JSON.stringify(first).slice(1)}`);
  expect(one?.hash).toBe(createHash('sha256').update(Buffer.of(0)).update(one?.body ?? '').digest('hex'));
  expect(two?.body.startsWith(`{"seq":2,"prev":"${one?.hash}",`)).toBe(true);
});

test('records keep the order of the calls, whichever way they were handed in', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const handedIn: string[] = [];
  const waits: Promise<void>[] = [];
  for (let index = 0; index < 500; index += 1) {
    const record = index % 3 === 0 ? outcome(`c${index}`) : intent(`c${index}`);
    handedIn.push(`${record.kind} c${index}`);
    if (index % 3 === 0) ledger.writeSoon(record);
    else waits.push(ledger.write(record));
    if (index % 50 === 0) await waits.at(-1);
  }
  await Promise.all(waits);
  await ledger.close();
  expect(kinds(dir).slice(0, 500)).toEqual(handedIn);
});

test('a write is in the database, for another connection, when it resolves', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const reader = createLedgerReader(dir);
  for (let index = 1; index <= 20; index += 1) {
    await ledger.write(intent(`c${index}`));
    expect(reader.tail(1)[0]?.seq).toBe(index);
  }
  reader.close();
});

test('writeSoon needs no write to follow: it is in within the lag', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir, { lagMs: 5 });
  ledger.writeSoon(outcome('a'));
  await until(() => readAll(dir).length === 1);
});

test('writeSoon rides with the next write and costs no commit of its own', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir, { lagMs: 60_000 });
  ledger.writeSoon(outcome('a'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(readAll(dir)).toHaveLength(0);
  await ledger.write(intent('b'));
  expect(kinds(dir)).toEqual(['outcome a', 'intent b']);
});

test('close commits what is pending, answers again when asked again, and takes no more', async () => {
  const dir = temporaryDir();
  const { log, lines } = listeningLog();
  const ledger = await openLedger(dir, { lagMs: 60_000, log });
  const write = ledger.write(intent('a'));
  ledger.writeSoon(outcome('a'));
  await Promise.all([ledger.close(), ledger.close(), write]);
  await ledger.close();
  // All of it is in the one file that is left: a copy of that is a copy of the ledger.
  expect(existsSync(`${ledgerPath(dir)}-wal`)).toBe(false);
  expect(kinds(dir)).toEqual(['intent a', 'outcome a']);
  await expect(ledger.write(intent('b'))).rejects.toBeInstanceOf(LedgerUnavailable);
  ledger.writeSoon(outcome('b'));
  expect(lines).toEqual(['error a record came after the ledger was closed and is lost']);
});

test('a reopened ledger goes on with the chain', async () => {
  const dir = temporaryDir();
  for (let run = 1; run <= 3; run += 1) {
    const ledger = await openLedger(dir);
    await ledger.write({ kind: 'start', time: run });
    await ledger.close();
  }
  expect(bodies(dir).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true, records: 3 });
});

test('a record may not bring a seq or prev of its own, and one that is no JSON harms no other', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  await expect(ledger.write({ kind: 'start', time: 1, seq: 7 })).rejects.toThrow(/may not name "seq"/);
  expect(() => ledger.writeSoon({ kind: 'start', time: 1, prev: 'x' })).toThrow(/may not name "seq" or "prev"/);
  await expect(ledger.write({ kind: 'start', time: 1, big: 1n })).rejects.toThrow(TypeError);
  await ledger.write(intent('a'));
  expect(bodies(dir).map(({ seq, kind }) => [seq, kind])).toEqual([[1, 'intent']]);
});

test('tail and after give records oldest first, within their bounds', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  await Promise.all(Array.from({ length: 10 }, (_, index) => ledger.write(intent(`c${index}`))));
  const reader = createLedgerReader(dir);
  expect(reader.tail(3).map(({ seq }) => seq)).toEqual([8, 9, 10]);
  expect(reader.tail(99)).toHaveLength(10);
  expect(reader.after(4, 3).map(({ seq }) => seq)).toEqual([5, 6, 7]);
  expect(reader.after(10, 3)).toEqual([]);
  reader.close();
});

test('an SQLite shell sees the records one by one, as the reader does, however they were committed', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  await ledger.write({ ...intent('alone'), text: 'Grüße\n' });
  await Promise.all(Array.from({ length: 600 }, (_, index) => ledger.write(intent(`c${index}`))));
  const db = new Database(ledgerPath(dir), { readonly: true });
  onTestFinished(() => void db.close());
  expect(db.prepare('SELECT seq, body, hash FROM records ORDER BY seq').all()).toEqual(readAll(dir));
});

test('the data directory and everything in it are for the owner alone', async () => {
  const dir = join(temporaryDir(), 'made', 'here');
  const ledger = await openLedger(dir);
  await ledger.write(intent('a'));
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  expect(mode(dir)).toBe('700');
  for (const suffix of ['', '-wal', '-shm']) expect(mode(ledgerPath(dir) + suffix)).toBe('600');
});

test('calls that come together share a commit', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const walBytes = (): number => statSync(`${ledgerPath(dir)}-wal`).size;
  const before = walBytes();
  await Promise.all(Array.from({ length: 200 }, (_, index) => ledger.write(intent(`c${index}`))));
  // A commit of its own would log at least one page of 4 KiB for each.
  expect(walBytes() - before).toBeLessThan(100 * 4096);
});

test('many slow calls under way do not hold up the one that comes', async () => {
  const ledger = await openLedger(temporaryDir(), { gatherMs: 2000 });
  await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.write(intent(`slow${index}`))));
  const start = performance.now();
  for (let index = 0; index < 10; index += 1) {
    await ledger.write(intent(`c${index}`));
    ledger.writeSoon(outcome(`c${index}`));
  }
  expect(performance.now() - start).toBeLessThan(1500);
});

test('an SQLite that can corrupt a write-ahead log is refused by name', () => {
  expect(() => requireSqliteVersion('3.51.2')).toThrow(/SQLite 3\.51\.2 .* 3\.51\.3 or later/);
  expect(() => requireSqliteVersion('3.9.9')).toThrow();
  for (const version of ['3.51.3', '3.52.0', '4.0.0']) requireSqliteVersion(version);
});

test('a ledger whose data directory cannot be made says so', async () => {
  await expect(openLedger('/dev/null/signalbox')).rejects.toBeInstanceOf(LedgerUnavailable);
});
