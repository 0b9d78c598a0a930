/** Whatever is done to a ledger behind its back is seen, and the right record is named. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyLedger, type VerifyResult } from '../../store/index.ts';
import type { StoredRecord } from '../../core/audit.ts';
import { CHAIN_START, chainBody, GENESIS, hashBody } from '../../store/ledger/chain.ts';
import { packPages, unpackPage, type Page } from '../../store/ledger/page.ts';
import { intent, ledgerPath, openLedger, outcome, readAll, temporaryDir } from './support.ts';
import { tamperedCopy } from '../register/support.ts';

const RECORDS = 12;

/** A closed ledger of `RECORDS` records, as one file. */
async function original(): Promise<string> {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  for (let call = 0; call < RECORDS / 2; call += 1) {
    await ledger.write({ ...intent(`call-${call}`), args: { path: `/tmp/${call}`, text: 'Grüße' } });
    await ledger.write(outcome(`call-${call}`));
  }
  await ledger.close();
  return ledgerPath(dir);
}

/** What verification says of a copy to which `tamper` was done. */
const tampered = (path: string, tamper: (db: Database.Database) => void): VerifyResult => verifyLedger(tamperedCopy(path, tamper));

/** The records in `db` as a list to which `edit` is done, then put back: a page wherever the numbers leave a gap. */
function edited(db: Database.Database, edit: (records: StoredRecord[]) => StoredRecord[]): void {
  const pages = db.prepare<[], Page>('SELECT first, bodies, hashes FROM pages ORDER BY first').all();
  const records = edit(pages.flatMap((page) => unpackPage(page)));
  db.exec('DELETE FROM pages');
  putBack(db, records);
}

/** Pages of up to five, so that what is done meets borders of pages and places within them. */
function putBack(db: Database.Database, records: readonly StoredRecord[]): void {
  const insert = db.prepare('INSERT INTO pages (first, bodies, hashes) VALUES (?, ?, ?)');
  for (let from = 0; from < records.length; ) {
    const first = records[from]?.seq ?? 0;
    let to = from + 1;
    while (to < records.length && to - from < 5 && records[to]?.seq === first + to - from) to += 1;
    const page = records.slice(from, to);
    insert.run(first, page.map(({ body }) => body).join('\n'), Buffer.from(page.map(({ hash }) => hash).join(''), 'hex'));
    from = to;
  }
}

/** Changes one record where it lies, and leaves its hash, or takes its new one. */
const replaced = (seq: number, change: (body: string) => string, rehash = false) => (records: StoredRecord[]): StoredRecord[] =>
  records.map((record) => {
    if (record.seq !== seq) return record;
    const body = change(record.body);
    return { seq, body, hash: rehash ? hashBody(body) : record.hash };
  });

const seqs = fc.integer({ min: 1, max: RECORDS });

test('a ledger as it was written verifies, and says where its head is', async () => {
  const path = await original();
  const head = readAll(join(path, '..')).at(-1);
  expect(verifyLedger(path)).toMatchObject({ ok: true, records: RECORDS, head: { seq: RECORDS, hash: head?.hash } });
});

test('a change of any character of any record is seen, and that record named [LEDGER-1]', async () => {
  const path = await original();
  fc.assert(
    fc.property(seqs, fc.nat(), fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }), (seq, where, by) => {
      const result = tampered(path, (db) => {
        edited(db, replaced(seq, (body) => {
          const at = where % body.length;
          fc.pre(body[at] !== by);
          return body.slice(0, at) + by + body.slice(at + 1);
        }));
      });
      expect(result).toMatchObject({ ok: false, seq, records: seq - 1 });
    }),
    { numRuns: 150 },
  );
});

test('a change that comes with its own new hash is seen by the record that follows, and named', async () => {
  const path = await original();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: RECORDS - 1 }), (seq) => {
      const result = tampered(path, (db) => {
        edited(db, replaced(seq, (body) => body.replace('call-', 'cell-'), true));
      });
      expect(result).toMatchObject({ ok: false, seq, records: seq - 1, reason: expect.stringContaining('with a hash of its own') });
    }),
    { numRuns: 30 },
  );
});

test('records that are deleted are missed, wherever they stood [LEDGER-1]', async () => {
  const path = await original();
  fc.assert(
    fc.property(seqs, fc.integer({ min: 1, max: RECORDS }), (first, count) => {
      const result = tampered(path, (db) => edited(db, (records) => records.filter(({ seq }) => seq < first || seq >= first + count)));
      expect(result).toMatchObject({ ok: false, seq: first, records: first - 1, reason: expect.stringContaining('missing') });
    }),
    { numRuns: 100 },
  );
});

test('two records that change places are seen at the first of them', async () => {
  const path = await original();
  fc.assert(
    fc.property(seqs, seqs, fc.boolean(), (one, other, closeGap) => {
      fc.pre(one !== other);
      const result = tampered(path, (db) => {
        edited(db, (records) => {
          const swap = new Map([[one, other], [other, one]]);
          return records
            .map((record) => ({ ...record, seq: swap.get(record.seq) ?? record.seq }))
            .filter(({ seq }) => closeGap || seq !== other)
            .toSorted((a, b) => a.seq - b.seq);
        });
      });
      expect(result).toMatchObject({ ok: false, seq: Math.min(one, other) });
    }),
    { numRuns: 100 },
  );
});

test('a record that is put in is seen where it stands, though it is chained to the one before it', async () => {
  const path = await original();
  fc.assert(
    fc.property(seqs, fc.boolean(), (seq, chained) => {
      const result = tampered(path, (db) => {
        edited(db, (records) => {
          const before = records[seq - 2]?.hash ?? GENESIS;
          const body = chainBody(seq, chained ? before : GENESIS.replace('0', '1'), JSON.stringify(intent('forged')));
          const later = records.slice(seq - 1).map((record) => ({ ...record, seq: record.seq + 1 }));
          return [...records.slice(0, seq - 1), { seq, body, hash: hashBody(body) }, ...later];
        });
      });
      // One that is chained rightly is a true record to all that can be seen; the one behind it is out of place.
      expect(result).toMatchObject({ ok: false, seq: chained ? seq + 1 : seq });
    }),
    { numRuns: 60 },
  );
});

test('a record before the first, a second seq in one body, and text that is no JSON are named', async () => {
  const path = await original();
  const insert = (db: Database.Database, seq: number, body: string): void =>
    edited(db, (records) => [...records.filter((record) => record.seq !== seq), { seq, body, hash: hashBody(body) }].toSorted((a, b) => a.seq - b.seq));
  const prev = (db: Database.Database, seq: number): string =>
    db.prepare<[number], string>('SELECT hash FROM records WHERE seq = ?').pluck().get(seq - 1) ?? GENESIS;
  expect(tampered(path, (db) => insert(db, 0, '{}'))).toMatchObject({ ok: false, seq: 0 });
  expect(tampered(path, (db) => insert(db, 5, chainBody(5, prev(db, 5), '{"kind":"stop","seq":6}')))).toMatchObject({
    seq: 5,
    reason: expect.stringContaining('twice'),
  });
  expect(tampered(path, (db) => insert(db, 5, chainBody(5, prev(db, 5), '{"kind":}')))).toMatchObject({
    seq: 5,
    reason: expect.stringContaining('no JSON'),
  });
});

test('hashes of a page that were changed, cut off, added to or are no bytes are seen at the record that they belong to', async () => {
  const path = await original();
  const rehash = (first: number, change: string) => (db: Database.Database) => void db.exec(`UPDATE pages SET hashes = ${change} WHERE first = ${first}`);
  expect(tampered(path, rehash(4, 'zeroblob(32)'))).toMatchObject({ ok: false, seq: 4 });
  expect(tampered(path, rehash(4, "x''"))).toMatchObject({ ok: false, seq: 4 });
  expect(tampered(path, rehash(4, 'CAST(hashes || zeroblob(32) AS BLOB)'))).toMatchObject({ ok: false, seq: 5, reason: expect.stringContaining('missing') });
  const other = (db: Database.Database): void => {
    db.exec('ALTER TABLE pages RENAME TO old; CREATE TABLE pages (first, bodies, hashes); INSERT INTO pages SELECT first, bodies, CAST(first AS TEXT) FROM old');
  };
  expect(tampered(path, other)).toMatchObject({ ok: false, seq: 1, reason: expect.stringContaining('no bytes') });
});

test('what the file alone cannot show, an anchor does: a tail that was cut off, or all of it written anew', async () => {
  const path = await original();
  const noted = verifyLedger(path);
  if (!noted.ok) throw new Error(noted.reason);
  const copy = join(path, '..', 'copy.db');
  const verifyAfter = (tamper: (db: Database.Database) => void): VerifyResult => {
    tampered(path, tamper);
    return verifyLedger(copy, { anchor: noted.head });
  };
  expect(verifyAfter(() => {})).toMatchObject({ ok: true });
  const cut = (db: Database.Database): void => void db.exec('DELETE FROM pages WHERE first > 9; DELETE FROM meta');
  expect(tampered(path, cut)).toMatchObject({ ok: true, records: 9 });
  expect(verifyAfter(cut)).toMatchObject({ ok: false, seq: 10, reason: expect.stringContaining('had reached seq 12') });
  const rewrite = (db: Database.Database): void => {
    const { pages } = packPages(CHAIN_START, Array.from({ length: RECORDS }, () => JSON.stringify(intent('innocent'))));
    db.exec('DELETE FROM pages');
    putBack(db, pages.flatMap((page) => unpackPage(page)));
  };
  expect(tampered(path, rewrite)).toMatchObject({ ok: true });
  expect(verifyAfter(rewrite)).toMatchObject({ ok: false, seq: RECORDS, reason: expect.stringContaining('written anew') });
});

test('verification works while the ledger is written, and sees one moment of it', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  let writing = true;
  const writer = (async () => {
    for (let index = 0; writing; index += 1) await ledger.write(intent(`c${index}`));
  })();
  let records = 0;
  while (records < 200) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const result = verifyLedger(ledgerPath(dir));
    if (!result.ok) throw new Error(result.reason);
    expect(result.records).toBeGreaterThanOrEqual(records);
    records = result.records;
  }
  writing = false;
  await writer;
});

test('a file that is no ledger, or is not there, is refused', async () => {
  const path = await original();
  const other = join(path, '..', 'other.db');
  writeFileSync(other, 'this is no database, however long it is made to look like one'.repeat(100));
  expect(() => verifyLedger(other)).toThrow();
  expect(() => verifyLedger(join(path, '..', 'absent.db'))).toThrow();
});

test('a hundred thousand records take about a second', async () => {
  const dir = temporaryDir();
  const ledger = await openLedger(dir);
  const filler = 'x'.repeat(500);
  for (let batch = 0; batch < 20; batch += 1) {
    await Promise.all(Array.from({ length: 5000 }, (_, index) => ledger.write({ ...intent(`c${batch}-${index}`), filler })));
  }
  const before = process.cpuUsage();
  expect(verifyLedger(ledgerPath(dir))).toMatchObject({ ok: true, records: 100_000 });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(2);
});
