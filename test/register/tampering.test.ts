/** Everything that can be done to a ledger behind its back, done to a real one, and found: the first bad record is named. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredRecord } from '../../core/audit.ts';
import { checkpointText, createRange, createSigner, createVerifier, hashFromHex, verifyLedger, type Signer, type VerifyResult } from '../../store/index.ts';
import { hashBody } from '../../store/ledger/chain.ts';
import { chained, PUBLIC_KEY, putRecords, readRecords, SEED, signedLedger, tamperedCopy, temporaryDir, type Signed } from './support.ts';

const verifier = createVerifier(PUBLIC_KEY);

let original: Signed;
beforeAll(async () => {
  original = await signedLedger({ dir: temporaryDir(afterAll) });
});

const THIEF = createSigner(Buffer.alloc(32, 9));
const OWNER = createSigner(SEED);

type Tamper = (db: Database.Database) => void;
type Edit = (records: StoredRecord[]) => StoredRecord[];

const edit = (change: Edit): Tamper => (db) => putRecords(db, change(readRecords(db)));
/** As the ledger itself would have written them: nothing about the chain is wrong. */
const editAndChain = (change: Edit): Tamper => edit((records) => chained(change(records)));
const flipped = ({ seq, hash, body }: StoredRecord): StoredRecord => ({ seq, hash, body: body.replace('Grüße', 'Grüsse') });
const at = (seq: number, change: (record: StoredRecord) => StoredRecord): Edit => (records) => records.map((record) => (record.seq === seq ? change(record) : record));
const without = (seq: number): Edit => (records) => records.filter((record) => record.seq !== seq);
const rehashed = ({ seq, body }: StoredRecord): StoredRecord => ({ seq, body, hash: hashBody(body) });
const forged: StoredRecord = { seq: 0, hash: '', body: '{"seq":0,"prev":"","kind":"auth","time":1,"text":"put in"}' };

const treeOf = (records: readonly StoredRecord[]) => {
  const range = createRange();
  for (const { hash } of records) range.add(hashFromHex(hash));
  return range;
};

/** Cuts the ledger off after `size` records, with all that it knows of the rest. */
const cutAfter = (size: number): Tamper => (db) => {
  putRecords(db, readRecords(db).slice(0, size));
  db.exec(`DELETE FROM checkpoints WHERE size > ${size}; DELETE FROM meta`);
  const signed = Math.floor(size / 4) * 4;
  db.prepare('UPDATE frontier SET size = ?, hashes = ?').run(signed, treeOf(readRecords(db).slice(0, signed)).bytes());
};

/** Signs the ledger anew as it is now, in place of all that was signed. */
const signAnew = (signer: Signer): Tamper => (db) => {
  const records = readRecords(db);
  db.exec('DELETE FROM checkpoints; DELETE FROM frontier');
  for (const size of [4, 8, 12]) {
    const range = treeOf(records.slice(0, size));
    db.prepare('INSERT INTO checkpoints (size, note) VALUES (?, ?)').run(size, signer.sign(checkpointText({ origin: signer.name, size, root: range.root() })));
    if (size === 12) db.prepare('INSERT INTO frontier (id, size, hashes) VALUES (1, 12, ?)').run(range.bytes());
  }
};

const all = (...tampers: Tamper[]): Tamper => (db) => {
  for (const tamper of tampers) tamper(db);
};

const innocent = editAndChain((records) => records.map((record) => ({ ...record, body: record.body.replace('call', 'innocent') })));
const note = (size: number, change: (text: string) => string): Tamper => (db) => {
  const text = db.prepare<[number], string>('SELECT note FROM checkpoints WHERE size = ?').pluck().get(size) ?? '';
  db.prepare('UPDATE checkpoints SET note = ? WHERE size = ?').run(change(text), size);
};
const signedBy = (signer: Signer, size: number, root = 'x'.repeat(32)): string => signer.sign(checkpointText({ origin: signer.name, size, root }));

interface Case {
  readonly what: string;
  readonly tamper: Tamper;
  readonly seq: number;
  readonly reason: string;
  /** Where it is a checkpoint that is wrong. */
  readonly checkpoint?: number;
}

/** Seen in the file alone, with the public key. */
const SEEN_ALONE: Case[] = [
  { what: 'a bit flipped', tamper: edit(at(6, flipped)), seq: 6, reason: 'not the one that was hashed' },
  { what: 'a record changed, with its new hash', tamper: edit(at(6, (record) => rehashed(flipped(record)))), seq: 6, reason: 'with a hash of its own' },
  { what: 'a record changed, and all after it chained anew', tamper: editAndChain(at(5, flipped)), seq: 5, reason: 'this record and those up to 8 are not the ones' },
  { what: 'the last record changed, with its new hash', tamper: edit(at(12, (record) => rehashed(flipped(record)))), seq: 9, reason: 'those up to 12 are not the ones' },
  { what: 'a record deleted', tamper: edit(without(7)), seq: 7, reason: 'missing' },
  { what: 'a record deleted, and all after it numbered and chained anew', tamper: editAndChain(without(7)), seq: 5, reason: 'are not the ones' },
  { what: 'two records exchanged', tamper: edit((records) => records.toSpliced(2, 2, { ...records[3], seq: 3 } as StoredRecord, { ...records[2], seq: 4 } as StoredRecord)), seq: 3, reason: 'in its place is record 4' },
  { what: 'two records exchanged, and all after them chained anew', tamper: editAndChain((records) => records.toSpliced(2, 2, records[3] as StoredRecord, records[2] as StoredRecord)), seq: 1, reason: 'those up to 4 are not the ones' },
  { what: 'a record put in', tamper: edit((records) => [...records.slice(0, 6), ...chained([...records.slice(0, 6), forged]).slice(6), ...records.slice(6).map((record) => ({ ...record, seq: record.seq + 1 }))]), seq: 8, reason: 'does not say' },
  { what: 'a record put in, and all after it chained anew', tamper: editAndChain((records) => records.toSpliced(6, 0, forged)), seq: 5, reason: 'are not the ones' },
  { what: 'the last records cut off', tamper: edit((records) => records.slice(0, 10)), seq: 11, reason: 'missing' },
  { what: 'the last records cut off, and the mark', tamper: all(edit((records) => records.slice(0, 10)), (db) => void db.exec('DELETE FROM meta')), seq: 11, reason: 'vouches for 12 records' },
  { what: 'all of it written anew', tamper: innocent, seq: 1, reason: 'those up to 4 are not the ones' },
  { what: 'all of it written anew, and signed with another key', tamper: all(innocent, signAnew(THIEF)), seq: 1, checkpoint: 4, reason: `not signed by ${OWNER.name}` },
  { what: 'a checkpoint forged with another key', tamper: (db) => void db.prepare('UPDATE checkpoints SET note = ? WHERE size = 8').run(signedBy(THIEF, 8)), seq: 5, checkpoint: 8, reason: 'not signed by' },
  { what: 'a checkpoint changed', tamper: note(8, (text) => text.replace('\n8\n', '\n7\n')), seq: 5, checkpoint: 8, reason: 'its signature is not one of' },
  { what: 'a checkpoint of another tree, signed with the key', tamper: (db) => void db.prepare('UPDATE checkpoints SET note = ? WHERE size = 8').run(signedBy(OWNER, 8)), seq: 5, reason: 'are not the ones' },
  { what: 'a checkpoint under another size', tamper: (db) => void db.exec('UPDATE checkpoints SET size = 9 WHERE size = 8'), seq: 5, checkpoint: 9, reason: 'kept as one of 9 records and says 8' },
  { what: 'checkpoints taken out', tamper: (db) => void db.exec('DELETE FROM checkpoints WHERE size > 4'), seq: 5, checkpoint: 12, reason: 'were taken out' },
  { what: 'the hashes that it goes on from changed', tamper: (db) => void db.exec('UPDATE frontier SET hashes = zeroblob(length(hashes))'), seq: 13, checkpoint: 12, reason: 'not those of its tree' },
  { what: 'a text taken out without a purge', tamper: edit(at(6, (record) => ({ ...record, body: '' }))), seq: 6, reason: 'no later record of the kind "purge"' },
];

test.each(SEEN_ALONE)('seen in the file, with the public key: $what [REGISTER-3, REGISTER-4]', async ({ tamper, seq, reason, checkpoint }) => {
  const { path } = original;
  const result = verifyLedger(tamperedCopy(path, tamper), { verifier });
  expect(result).toMatchObject({ ok: false, seq, reason: expect.stringContaining(reason) });
  expect('checkpoint' in result ? result.checkpoint?.size : undefined).toBe(checkpoint);
  expect(result.records).toBeLessThan(Math.max(seq, 1) + (checkpoint ?? 0));
});

/** What looks sound by itself, and is not what was signed before. */
const SEEN_FROM_ELSEWHERE: Case[] = [
  { what: 'the last records cut off, with all that speaks of them', tamper: cutAfter(10), seq: 11, reason: 'vouches for 12 records' },
  { what: 'an old copy', tamper: cutAfter(4), seq: 5, reason: 'this is an old copy' },
  { what: 'all of it written anew, and nothing signed', tamper: all(innocent, (db) => void db.exec('DELETE FROM checkpoints; DELETE FROM frontier')), seq: 1, reason: 'written anew' },
  { what: 'all of it written anew, and signed by the owner of the key', tamper: all(innocent, signAnew(OWNER)), seq: 1, reason: 'written anew' },
  { what: 'some of it written anew, and signed by the owner of the key', tamper: all(editAndChain(at(6, flipped)), signAnew(OWNER)), seq: 5, reason: 'written anew' },
];

test.each(SEEN_FROM_ELSEWHERE)('seen against checkpoints that were kept elsewhere: $what [REGISTER-3]', async ({ tamper, seq, reason }) => {
  const { path, notes } = original;
  const copy = tamperedCopy(path, tamper);
  expect(verifyLedger(copy, { verifier })).toMatchObject({ ok: true });
  const checkpoints = notes.map((one) => ({ note: one, from: 'elsewhere' }));
  expect(verifyLedger(copy, { verifier, checkpoints })).toMatchObject({ ok: false, seq, records: seq - 1, reason: expect.stringContaining(reason) });
});

test('of a ledger that its owner wrote and signed anew, nothing is believed that no checkpoint from elsewhere vouches for', () => {
  const copy = tamperedCopy(original.path, all(editAndChain(at(6, flipped)), signAnew(OWNER)));
  const against = (...sizes: number[]) => verifyLedger(copy, { verifier, checkpoints: sizes.map((size) => ({ note: original.notes[size / 4 - 1] ?? '', from: 'elsewhere' })) });
  expect(against(12)).toMatchObject({ ok: false, seq: 1 });
  expect(against(4, 12)).toMatchObject({ ok: false, seq: 5 });
  expect(against(4)).toMatchObject({ ok: true });
});

test('a backup put back is seen as the old copy that it is [REGISTER-3]', async () => {
  let backup = '';
  const { dir, notes } = await signedLedger({
    between: (path, size) => {
      if (size === 8) copyFileSync(path, (backup = join(path, '..', 'backup.db')));
    },
  });
  expect(verifyLedger(backup, { verifier })).toMatchObject({ ok: true, records: 8 });
  const checkpoints = notes.map((one) => ({ note: one, from: join(dir, 'checkpoints') }));
  expect(verifyLedger(backup, { verifier, checkpoints })).toMatchObject({ ok: false, seq: 9, records: 8, reason: expect.stringContaining('old copy') });
});

test('a checkpoint from elsewhere that is forged is told, whatever size it claims [REGISTER-4]', async () => {
  const { path, notes } = original;
  const against = (...given: string[]): VerifyResult => verifyLedger(path, { verifier, checkpoints: given.map((one) => ({ note: one, from: 'elsewhere' })) });
  expect(against(...notes)).toMatchObject({ ok: true, checkpoints: { count: 6, vouched: 12 } });
  for (const size of [1, 6, 12, 20]) expect(against(signedBy(THIEF, size))).toMatchObject({ ok: false, checkpoint: { size, from: 'elsewhere' } });
  expect(against('nothing at all\n')).toMatchObject({ ok: false, checkpoint: { size: 0 } });
});

test('a change of any byte of any record, hash or checkpoint is seen [REGISTER-3]', async () => {
  const { path } = original;
  const columns = [['pages', 'bodies', 'first'], ['pages', 'hashes', 'first'], ['checkpoints', 'note', 'size'], ['frontier', 'hashes', 'id']] as const;
  fc.assert(
    fc.property(fc.constantFrom(...columns), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), ([table, column, key], row, where, by) => {
      const copy = tamperedCopy(path, (db) => {
        const rows = db.prepare<[], { id: number; bytes: Buffer }>(`SELECT ${key} AS id, CAST(${column} AS BLOB) AS bytes FROM ${table}`).all();
        const { id, bytes } = rows[row % rows.length] as { id: number; bytes: Buffer };
        bytes[where % bytes.length] = (bytes[where % bytes.length] ?? 0) ^ by;
        db.prepare(`UPDATE ${table} SET ${column} = CAST(? AS ${column === 'hashes' ? 'BLOB' : 'TEXT'}) WHERE ${key} = ?`).run(bytes, id);
      });
      expect(verifyLedger(copy, { verifier })).toMatchObject({ ok: false });
    }),
    { numRuns: 200 },
  );
});

test('bytes that are no text are seen also where they would be read as the same text', async () => {
  const { path } = await signedLedger({ what: '\uFFFD' });
  const copy = tamperedCopy(path, (db) => {
    const bytes = db.prepare<[], Buffer>('SELECT CAST(bodies AS BLOB) FROM pages WHERE first = 6').pluck().get() ?? Buffer.alloc(0);
    const changed = Buffer.from(bytes.toString('latin1').replace('\xef\xbf\xbd', '\xff'), 'latin1');
    expect(changed.toString()).toBe(bytes.toString());
    db.prepare('UPDATE pages SET bodies = CAST(? AS TEXT) WHERE first = 6').run(changed);
  });
  expect(verifyLedger(copy, { verifier })).toMatchObject({ ok: false, seq: 6, reason: expect.stringContaining('UTF-8') });
});
