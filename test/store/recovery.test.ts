/** What a stop in mid-call leaves, and the next start makes of it. */
import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { LedgerUnavailable } from '../../core/audit.ts';
import { verifyLedger } from '../../store/index.ts';
import { bodies, intent, kinds, ledgerPath, listeningLog, openLedger, outcome, readAll, temporaryDir } from './support.ts';

const WRITER = new URL('./writer.ts', import.meta.url).pathname;

/** A process that writes calls for as long as it lives; killed with -9 after `calls` acknowledgements. */
async function killedWriter(dir: string, name: string, calls: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, dir, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === calls) child.kill('SIGKILL');
  }
  return acknowledged;
}

test('killed with -9 while it writes: what was acknowledged is recorded, the chain verifies, open calls become unknown [LEDGER-2]', async () => {
  const dir = temporaryDir();
  const acknowledged: string[] = [];
  for (let run = 0; run < 8; run += 1) {
    acknowledged.push(...(await killedWriter(dir, `run${run}`, 10 + run * 97)));
    const { log, lines } = listeningLog();
    const ledger = await openLedger(dir, { log });
    await ledger.close();
    const all = bodies(dir);
    const recorded = new Set(all.map(({ kind, call }) => `${kind} ${call}`));
    expect(acknowledged.filter((line) => !recorded.has(line))).toEqual([]);
    const ended = new Set(all.filter(({ kind }) => kind === 'outcome' || kind === 'unknown').map(({ call }) => call));
    const intents = all.filter(({ kind }) => kind === 'intent');
    expect(intents.filter(({ call }) => !ended.has(call))).toEqual([]);
    const unknowns = all.filter(({ kind }) => kind === 'unknown');
    expect(lines.length).toBe(unknowns.some(({ call }) => call?.startsWith(`run${run}-`)) ? 1 : 0);
    for (const { call, intent: seq } of unknowns) {
      expect(all[(seq ?? 0) - 1]).toMatchObject({ kind: 'intent', call });
      expect(recorded.has(`outcome ${call}`)).toBe(false);
    }
    expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true, records: all.length });
  }
  expect(bodies(dir).some(({ kind }) => kind === 'unknown')).toBe(true);
}, 60_000);

test('an open intent becomes unknown once, before anything new, and names its intent', async () => {
  const dir = temporaryDir();
  const first = await openLedger(dir);
  await first.write(intent('done'));
  first.writeSoon(outcome('done'));
  await first.write(intent('open'));
  await first.close();
  for (let run = 0; run < 2; run += 1) {
    const next = await openLedger(dir);
    await next.write({ kind: 'start', time: 9 });
    await next.close();
  }
  expect(kinds(dir)).toEqual(['intent done', 'outcome done', 'intent open', 'unknown open', 'start', 'start']);
  expect(bodies(dir)[3]).toMatchObject({ kind: 'unknown', call: 'open', intent: 3 });
});

test('a start reads only from the mark on: it does not look at records that are known to be closed', async () => {
  const dir = temporaryDir();
  const first = await openLedger(dir);
  await first.write(intent('open'));
  for (let index = 0; index < 50; index += 1) await first.write({ kind: 'start', time: index });
  await first.close();
  const second = await openLedger(dir);
  await second.close();
  // Were the start to read this record, it would stop at it.
  const db = new Database(ledgerPath(dir));
  db.exec("UPDATE pages SET bodies = 'no JSON' WHERE first = 20");
  db.close();
  const third = await openLedger(dir);
  await third.write(intent('new'));
  await third.close();
  expect(kindsFrom(dir, 52)).toEqual(['unknown open', 'intent new']);
});

const kindsFrom = (dir: string, from: number): string[] =>
  readAll(dir).slice(from - 1).map(({ body }) => {
    const { kind, call } = JSON.parse(body) as { kind: string; call: string };
    return `${kind} ${call}`;
  });

test('the mark moves on while the ledger runs, but never past a call that is open', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const mark = (): unknown => {
    const db = new Database(ledgerPath(dir), { readonly: true });
    const row = db.prepare("SELECT value FROM meta WHERE name = 'closed_below'").pluck().get();
    db.close();
    return row;
  };
  const batch = (name: string) => Promise.all(Array.from({ length: 2500 }, (_, index) => ledger.write({ kind: 'auth', time: 1, name, index })));
  await ledger.write(intent('open'));
  await batch('a');
  await ledger.write(intent('closed'));
  expect(mark()).toBe(1);
  ledger.writeSoon(outcome('open'));
  ledger.writeSoon(outcome('closed'));
  await batch('b');
  await ledger.write({ kind: 'start', time: 1 });
  expect(mark()).toBe(5005);
});

test('a ledger whose last record was changed, or whose last records were cut off, is not written on', async () => {
  for (const damage of ["UPDATE pages SET bodies = replace(bodies, 'c4', 'c5') WHERE first = 5", 'DELETE FROM pages WHERE first > 3']) {
    const dir = temporaryDir();
    const ledger = await openLedger(dir);
    for (let index = 0; index < 5; index += 1) await ledger.write({ kind: 'start', time: 1, name: `c${index}` });
    await ledger.close();
    const db = new Database(ledgerPath(dir));
    db.exec(damage);
    db.close();
    const opening = openLedger(dir);
    await expect(opening).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(opening).rejects.toThrow(/the ledger is damaged: .*seq [35]/);
  }
});

test('a ledger of before the register is refused in clear words, by the gateway and by verification', async () => {
  const dir = temporaryDir();
  await (await openLedger(dir)).close();
  const body = `{"seq":1,"prev":"${'0'.repeat(64)}","kind":"start","time":1}`;
  const db = new Database(ledgerPath(dir));
  db.prepare('INSERT INTO pages (first, bodies, hashes) VALUES (1, ?, ?)').run(body, hash('sha256', body, 'buffer'));
  db.close();
  await expect(openLedger(dir)).rejects.toThrow(/written by an earlier version.*start on an empty data directory/);
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: false, seq: 1, reason: expect.stringContaining('earlier version') });
});
