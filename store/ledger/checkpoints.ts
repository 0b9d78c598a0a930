/**
 * Checkpoints made and kept beside the records: the tree grows with each commit, and its root is signed from time to time.
 * Runs in the writer's thread, after answers and never before one. When it is time is checkpointing.ts's to say.
 */
import type { Sqlite } from '../sqlite.ts';
import { checkpointText, createRange, createSigner, createVerifier, HASH_BYTES, hashAt, openCheckpoint, type Range, type Signer } from '../register/index.ts';
import type { Page } from './page.ts';

/**
 * `checkpoints`: signed notes, by the number of records that each vouches for. `frontier`: the few hashes from which the tree
 * of the newest one grows, so that a start need not read the records before it.
 */
export const CHECKPOINT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS frontier (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, hashes BLOB NOT NULL) STRICT;
`;

export interface MadeCheckpoint {
  readonly size: number;
  readonly note: string;
}

export interface Checkpoints {
  /** How many records the newest one vouches for. */
  readonly size: number;
  /** Records of this commit have become durable; costs nothing yet. */
  committed(pages: readonly Page[]): void;
  /** Takes what was committed into the tree. */
  grow(): void;
  /** Signs what there is, in a commit of its own; undefined where nothing is new. @throws when it cannot be written */
  make(): MadeCheckpoint | undefined;
}

/** @throws Error in words when the newest checkpoint is not this directory's own, or the ledger ends before it */
export function createCheckpoints(db: Sqlite, seed: Uint8Array, lastSeq: number): Checkpoints {
  const signer = createSigner(seed);
  const insert = db.prepare<[number, string]>('INSERT INTO checkpoints (size, note) VALUES (?, ?)');
  const keep = db.prepare<[number, Buffer]>('INSERT OR REPLACE INTO frontier (id, size, hashes) VALUES (1, ?, ?)');
  const write = db.transaction((made: MadeCheckpoint, frontier: Buffer) => {
    insert.run(made.size, made.note);
    keep.run(made.size, frontier);
  });
  const range = rangeOfNewest(db, signer, lastSeq);
  let madeSize = range.size;
  const hashes = db.prepare<[number], Pick<Page, 'first' | 'hashes'>>('SELECT first, hashes FROM pages WHERE first > ? ORDER BY first');
  for (const page of hashes.iterate(lastPageBefore(db, range.size + 1))) growBy(range, page, range.size + 1 - page.first);

  const committed: Page[] = [];
  const grow = (): void => {
    for (const page of committed) growBy(range, page, 0);
    committed.length = 0;
  };

  return {
    get size() {
      return madeSize;
    },
    committed: (pages) => void committed.push(...pages),
    grow,
    make() {
      grow();
      if (range.size === madeSize) return undefined;
      const made = { size: range.size, note: signer.sign(checkpointText({ origin: signer.name, size: range.size, root: range.root() })) };
      write.immediate(made, range.bytes());
      madeSize = made.size;
      return made;
    },
  };
}

/** The `first` below which no page holds a record from `seq` on, less one. */
const lastPageBefore = (db: Sqlite, seq: number): number =>
  (db.prepare<[number], number>('SELECT max(first) FROM pages WHERE first <= ?').pluck().get(seq) ?? 1) - 1;

function growBy(range: Range, { hashes }: Pick<Page, 'hashes'>, skipped: number): void {
  for (let at = Math.max(0, skipped) * HASH_BYTES; at < hashes.length; at += HASH_BYTES) range.add(hashAt(hashes, at));
}

/**
 * A log signs nothing that contradicts what it has signed (c2sp.org/tlog-checkpoint), so it goes on from its newest
 * checkpoint and from nothing that only lies where one should be.
 */
function rangeOfNewest(db: Sqlite, signer: Signer, lastSeq: number): Range {
  const row = db.prepare<[], MadeCheckpoint>('SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1').get();
  if (row === undefined) return createRange();
  const checkpoint = openCheckpoint(row.note, createVerifier(signer.publicKey));
  if ('reason' in checkpoint || checkpoint.size !== row.size) {
    throw new Error(damaged(row.size, `is not one that this data directory signed (${'reason' in checkpoint ? checkpoint.reason : 'it says another size'}): ledger.db or secret.key was replaced`));
  }
  if (row.size > lastSeq) throw new Error(damaged(row.size, `vouches for more records than there are: the ledger ends at seq ${lastSeq}`));
  const frontier = db.prepare<[], { size: number; hashes: Buffer }>('SELECT size, hashes FROM frontier').get();
  const range = frontier?.size === row.size ? rangeFrom(row.size, frontier.hashes) : undefined;
  if (range?.root() !== checkpoint.root) throw new Error(damaged(row.size, 'does not fit the hashes that were kept with it'));
  return range;
}

function rangeFrom(size: number, hashes: Buffer): Range | undefined {
  try {
    return createRange(size, hashes);
  } catch {
    return undefined;
  }
}

const damaged = (size: number, how: string): string =>
  `the ledger is damaged: its newest checkpoint (of ${size} records) ${how}. ` +
  'Keep the file, look at it with "signalbox audit verify", and start on an empty data directory.';
