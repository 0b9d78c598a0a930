/**
 * Proofs taken out of a ledger: that a record is in the tree of its newest checkpoint, and that one checkpoint is a beginning
 * of another. It reads hashes, and of the bodies the one that is asked for; who checks them is the register's.
 */
import type { StoredRecord } from '../../core/audit.ts';
import { consistencyPath, consistencyText, HASH_BYTES, hashAt, hashFromHex, inclusionPath, inclusionRoot, isConsistent, leafHash, openCheckpoint, proofText, type Checkpoint, type Leaves } from '../register/index.ts';
import { openReadOnly, type Sqlite } from '../sqlite.ts';
import type { MadeCheckpoint } from './checkpoints.ts';
import { recordsFrom } from './file.ts';
import type { Page } from './page.ts';

/** What cannot be proven, in words. */
export class Unprovable extends Error {
  override readonly name = 'Unprovable';
}

/** The text of a proof file. @throws Unprovable; Error when the file cannot be read */
export const proveRecord = (path: string, seq: number): string =>
  reading(path, (db) => {
    const record = recordAt(db, seq);
    if (record === undefined) throw new Unprovable(`There is no record ${seq} in the ledger.`);
    if (record.body === '') throw new Unprovable(`The text of record ${seq} was purged. A proof of it holds only where it was made before.`);
    const made = db.prepare<[number], MadeCheckpoint>('SELECT size, note FROM checkpoints WHERE size >= ? ORDER BY size DESC LIMIT 1').get(seq);
    if (made === undefined) throw new Unprovable(`No checkpoint vouches for record ${seq} yet. One is made from time to time, and when the gateway stops.`);
    const { size, root, note } = opened(made);
    const nodes = inclusionPath(leavesOf(db, size), seq - 1, size);
    if (inclusionRoot(hashFromHex(leafHash(record.body)), seq - 1, size, nodes) !== root) throw new Unprovable(contradiction(size));
    return proofText({ body: record.body, seq, path: nodes, checkpoint: note });
  });

/** The text of a file that proves one checkpoint of the ledger to be a beginning of another. @throws as `proveRecord` */
export const proveConsistency = (path: string, from: number, to: number): string =>
  reading(path, (db) => {
    const [older, newer] = [from, to].map((size) => {
      const made = db.prepare<[number], MadeCheckpoint>('SELECT size, note FROM checkpoints WHERE size = ?').get(size);
      if (made === undefined) throw new Unprovable(`There is no checkpoint of ${size} records in the ledger. ${sizesNear(db, size)}`);
      return opened(made);
    }) as [Opened, Opened];
    const nodes = consistencyPath(leavesOf(db, to), from, to);
    if (!isConsistent(from, older.root, to, newer.root, nodes)) throw new Unprovable(contradiction(to));
    return consistencyText({ path: nodes, older: older.note, newer: newer.note });
  });

function reading<T>(path: string, read: (db: Sqlite) => T): T {
  const db = openReadOnly(path);
  try {
    db.exec('BEGIN');
    return read(db);
  } finally {
    db.close();
  }
}

type Opened = Checkpoint & { readonly note: string };

/** Who signed it is for the checker to say. */
function opened({ size, note }: MadeCheckpoint): Opened {
  const checkpoint = openCheckpoint(note, undefined);
  if ('reason' in checkpoint || checkpoint.size !== size) throw new Unprovable(contradiction(size));
  return { ...checkpoint, note };
}

const contradiction = (size: number): string => `The ledger does not fit its checkpoint of ${size} records: "signalbox audit verify" says where.`;

function sizesNear(db: Sqlite, size: number): string {
  const sizes = db.prepare<[number], number>('SELECT size FROM checkpoints ORDER BY abs(size - ?) LIMIT 5').pluck().all(size);
  return sizes.length === 0 ? 'There are none.' : `Near it there are those of ${sizes.toSorted((a, b) => a - b).join(', ')}.`;
}

function recordAt(db: Sqlite, seq: number): StoredRecord | undefined {
  for (const record of recordsFrom(db)(seq)) return record.seq === seq ? record : undefined;
  return undefined;
}

function leavesOf(db: Sqlite, size: number): Leaves {
  const leaves = Buffer.alloc(size * HASH_BYTES);
  const pages = db.prepare<[number], Pick<Page, 'first' | 'hashes'>>('SELECT first, hashes FROM pages WHERE first <= ? ORDER BY first').iterate(size);
  for (const { first, hashes } of pages) hashes.copy(leaves, (first - 1) * HASH_BYTES);
  return (index) => hashAt(leaves, index * HASH_BYTES);
}
