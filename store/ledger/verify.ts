/**
 * Whether a ledger is what was written: every record in its place, chained to the one before, with the hash of its own
 * text, and the tree over them the one that checkpoints were signed over. Needs the database file only, or a copy of it.
 * What the file cannot show by itself (its last records cut off, all of it written anew, an old copy put back) is seen
 * against checkpoints that were kept elsewhere.
 */
import type { StoredRecord } from '../../core/audit.ts';
import { bytesOf, createRange, hashFromHex, type Range, type Verifier } from '../register/index.ts';
import { openReadOnly, type Sqlite } from '../sqlite.ts';
import { CHAIN_START, type ChainPoint } from './chain.ts';
import { hashedRecords } from './page.ts';
import { ExpectedCheckpoints, type CheckpointFault, type GivenCheckpoint } from './verify-checkpoints.ts';
import { Purges } from './verify-purges.ts';
import { contentOf, isFault, linkFault, recordFault, recordsOf, ROWS, type Row } from './verify-records.ts';

export interface VerifyOptions {
  /** A point that the chain must go through. */
  readonly anchor?: ChainPoint;
  /** Signed notes that were kept elsewhere. */
  readonly checkpoints?: readonly GivenCheckpoint[];
  /** Of the key that every checkpoint must be signed with; without it their roots are compared, whoever signed them. */
  readonly verifier?: Verifier | undefined;
  /** Only about so many of the newest records, and no checkpoints: a quick look. */
  readonly newest?: number;
}

export type VerifyResult =
  | {
      readonly ok: true;
      readonly records: number;
      /** The anchor to note for the next time. */
      readonly head: ChainPoint;
      /** Root of the tree over all of them, in base64. */
      readonly root: string;
      /** How many checkpoints were held against it, and for how many records the largest vouches. */
      readonly checkpoints: { readonly count: number; readonly vouched: number };
      /** Records whose text was taken out; `unsigned` while no checkpoint vouches for the `purge` records that say so. */
      readonly purged: { readonly records: number; readonly unsigned?: true };
    }
  /** `records` before `seq` are sound; `seq` is the first that is wrong or missing, or, of a checkpoint, not vouched for. */
  | ({ readonly ok: false; readonly records: number } & CheckpointFault);

/** @throws Error when the file cannot be opened or is no ledger */
export function verifyLedger(path: string, options: VerifyOptions = {}): VerifyResult {
  const db = openReadOnly(path);
  try {
    // One snapshot, however long it takes and whatever is written meanwhile.
    db.exec('BEGIN');
    return new Walk(db, options).run();
  } finally {
    db.close();
  }
}

class Walk {
  readonly #db: Sqlite;
  readonly #anchor: ChainPoint | undefined;
  readonly #expected: ExpectedCheckpoints | undefined;
  readonly #range: Range = createRange();
  readonly #purges = new Purges();
  #last: ChainPoint = CHAIN_START;
  /** The one after it tells what is wrong. */
  #unlinked: StoredRecord | undefined;

  constructor(db: Sqlite, { anchor, checkpoints, verifier, newest }: VerifyOptions) {
    this.#db = db;
    this.#anchor = anchor;
    if (newest === undefined) this.#expected = new ExpectedCheckpoints(db, checkpoints ?? [], verifier);
    else this.#last = pointBefore(db, newest);
  }

  run(): VerifyResult {
    const fault = this.#walk() ?? this.#end();
    if (fault !== undefined) return { ok: false, records: Math.max(0, Math.min(this.#last.seq, fault.seq - 1)), ...fault };
    const vouched = this.#expected?.vouched ?? 0;
    return {
      ok: true,
      records: this.#last.seq,
      head: this.#last,
      root: bytesOf(this.#range.root()).toString('base64'),
      checkpoints: { count: this.#expected?.count ?? 0, vouched },
      purged: { records: this.#purges.records, ...(this.#purges.areWithin(vouched) ? {} : { unsigned: true }) },
    };
  }

  #walk(): CheckpointFault | undefined {
    try {
      for (const row of this.#db.prepare<[number], Row>(`${ROWS} WHERE NOT (first <= ?) ORDER BY first`).iterate(this.#last.seq === 0 ? -Infinity : this.#last.seq)) {
        const fault = this.#page(row);
        if (fault !== undefined) return fault;
      }
      return undefined;
    } catch (error) {
      return { seq: this.#last.seq + 1, reason: `it cannot be read from the file: ${(error as Error).message}` };
    }
  }

  #page(row: Row): CheckpointFault | undefined {
    const records = recordsOf(row, this.#last);
    if (!Array.isArray(records)) return records;
    for (const record of records) {
      const fault = this.#record(record);
      if (fault !== undefined) return fault;
    }
    const { first, hashes } = row as { first: number; hashes: Buffer };
    return this.#last.seq === first + hashedRecords({ hashes }) - 1 ? undefined : { seq: this.#last.seq + 1, reason: 'it is missing: only its hash is there' };
  }

  #record(record: StoredRecord): CheckpointFault | undefined {
    const { seq, body, hash } = record;
    if (this.#unlinked !== undefined) return linkFault(this.#unlinked, record);
    if (body === '' && hash !== '') this.#purges.emptied(seq);
    else {
      const fault = recordFault(record, this.#last);
      if (fault === 'unlinked') {
        this.#unlinked = record;
        this.#last = { seq, hash };
        return undefined;
      }
      if (fault !== undefined) return fault;
      const content = contentOf(body, { seq, hash: this.#last.hash });
      if (isFault(content)) return content;
      if (content['kind'] === 'purge') this.#purges.purge(seq, content);
    }
    this.#last = { seq, hash };
    if (this.#anchor?.seq === seq && this.#anchor.hash !== hash) {
      return { seq, reason: 'its hash is not the one that was noted: the ledger was written anew up to here' };
    }
    return this.#expected === undefined ? undefined : this.#vouch(this.#expected, hash);
  }

  #vouch(expected: ExpectedCheckpoints, hash: string): CheckpointFault | undefined {
    this.#range.add(hashFromHex(hash));
    return expected.nextSize > this.#range.size ? undefined : (expected.check(this.#range) ?? expected.frontierFault(this.#range));
  }

  #end(): CheckpointFault | undefined {
    if (this.#unlinked !== undefined) return linkFault(this.#unlinked, undefined);
    const { seq } = this.#last;
    const reached = Math.max(this.#anchor?.seq ?? 0, markedEnd(this.#db));
    const unsaid = this.#purges.fault();
    if (unsaid !== undefined) return unsaid;
    if (reached > seq) return { seq: seq + 1, reason: `it is missing: the ledger ends at seq ${seq}, but had reached seq ${reached}` };
    return this.#expected?.missing(this.#last, this.#range);
  }
}

/** Where the chain stands before the page from which on there are at least `newest` records, or all. */
function pointBefore(db: Sqlite, newest: number): ChainPoint {
  const row = db
    .prepare<[number], { first: number; hashes: Buffer }>(
      'SELECT first, hashes FROM pages WHERE first < (SELECT max(first) FROM pages WHERE first <= (SELECT max(first) FROM pages) - ?) ORDER BY first DESC LIMIT 1',
    )
    .get(newest);
  return row === undefined ? CHAIN_START : { seq: row.first + hashedRecords(row) - 1, hash: row.hashes.subarray(-32).toString('hex') };
}

/** The last seq that the ledger itself noted to have reached. */
function markedEnd(db: Sqlite): number {
  const mark = db.prepare<[], number>("SELECT value FROM meta WHERE name = 'closed_below'").pluck().get();
  return (mark ?? 1) - 1;
}
