/** What the register's tests share: ledgers that are signed as they grow, copies of them to which something is done. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { StoredRecord } from '../../core/audit.ts';
import { silentLog } from '../../core/log.ts';
import { createLedger, createSigner, LEDGER_FILE, type CheckpointOptions } from '../../store/index.ts';
import { chainBody, CHAIN_START, hashBody } from '../../store/ledger/chain.ts';
import { unpackPage, type Page } from '../../store/ledger/page.ts';

export const SEED = Buffer.alloc(32, 7);
export const PUBLIC_KEY = createSigner(SEED).publicKey;

export function temporaryDir(atEnd: (end: () => void) => void = onTestFinished): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-register-'));
  atEnd(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const ledgerPath = (dir: string): string => join(dir, LEDGER_FILE);

export interface Signed {
  readonly dir: string;
  readonly path: string;
  /** Every checkpoint, oldest first, as an operator's file would hold them. */
  readonly notes: string[];
}

/** Hands the notes of a ledger to `notes`; by default a checkpoint is made only when the ledger closes. */
export const signing = (notes: string[], pace: Partial<ReturnType<CheckpointOptions['pace']>> = {}, seed = SEED): CheckpointOptions => ({
  seed,
  pace: () => ({ records: 1_000_000, everyMs: 1_000_000, ...pace }),
  onCheckpoint: (note) => void notes.push(note),
  onProblem(problem) {
    throw new Error(problem);
  },
});

/** Records 1 to 12, with checkpoints of 4, 8 and 12 records; `between` sees the closed ledger at each. */
export async function signedLedger({ what = 'call', seed = SEED, between = (_path: string, _size: number): void => {}, dir = temporaryDir() } = {}): Promise<Signed> {
  const notes: string[] = [];
  for (let start = 0; start < 12; start += 4) {
    const ledger = await createLedger({ dataDir: dir, log: silentLog, checkpoints: signing(notes, {}, seed) });
    for (let record = start + 1; record <= start + 4; record += 1) await ledger.write({ kind: 'auth', time: record, text: `${what} ${record}: Grüße` });
    await ledger.close();
    between(ledgerPath(dir), start + 4);
  }
  return { dir, path: ledgerPath(dir), notes };
}

/** A copy to which `tamper` was done. */
export function tamperedCopy(path: string, tamper: (db: Database.Database) => void): string {
  const copy = join(path, '..', 'copy.db');
  rmSync(copy, { force: true });
  copyFileSync(path, copy);
  const db = new Database(copy);
  try {
    tamper(db);
  } finally {
    db.close();
  }
  return copy;
}

export const readRecords = (db: Database.Database): StoredRecord[] =>
  db.prepare<[], Page>('SELECT first, hashes, bodies FROM pages ORDER BY first').all().flatMap((page) => unpackPage(page));

/** Puts records in place of all that there are: a page wherever the numbers leave a gap. */
export function putRecords(db: Database.Database, records: readonly StoredRecord[]): void {
  db.exec('DELETE FROM pages');
  const insert = db.prepare('INSERT INTO pages (first, hashes, bodies) VALUES (?, ?, ?)');
  for (let from = 0; from < records.length; ) {
    const first = records[from]?.seq ?? 0;
    let to = from + 1;
    while (to < records.length && to - from < 5 && records[to]?.seq === first + to - from) to += 1;
    const page = records.slice(from, to);
    insert.run(first, Buffer.from(page.map(({ hash }) => hash).join(''), 'hex'), page.map(({ body }) => body).join('\n'));
    from = to;
  }
}

/** The records with `seq`, `prev` and hashes made anew, as the ledger would have written them. */
export function chained(records: readonly StoredRecord[]): StoredRecord[] {
  let last = CHAIN_START;
  return records.map(({ body }) => {
    const { seq: _seq, prev: _prev, ...rest } = JSON.parse(body) as { seq: number; prev: string };
    const text = chainBody(last.seq + 1, last.hash, JSON.stringify(rest));
    last = { seq: last.seq + 1, hash: hashBody(text) };
    return { ...last, body: text };
  });
}
