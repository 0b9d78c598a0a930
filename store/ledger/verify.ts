/**
 * Whether a ledger is what was written: every record in its place, chained to the one before, with the hash of its own
 * text. Needs the database file only, or a copy of it. What it cannot see by itself (the last records cut off, or all
 * of it written anew) it sees against an anchor: a seq and hash noted earlier, elsewhere.
 */
import type { StoredRecord } from '../../core/audit.ts';
import { openReadOnly, type Sqlite } from '../sqlite.ts';
import { CHAIN_START, chainHead, hashBody, isOfOldKind, OLD_KIND, type ChainPoint } from './chain.ts';
import { hashedRecords, unpackPage, type Page } from './page.ts';

export interface VerifyOptions {
  /** A point that the chain must go through. */
  readonly anchor?: ChainPoint;
}

export type VerifyResult =
  /** `head` is the anchor to note for the next time. */
  | { readonly ok: true; readonly records: number; readonly head: ChainPoint }
  /** `records` before `seq` are sound; `seq` is the first that is wrong or missing. */
  | { readonly ok: false; readonly records: number; readonly seq: number; readonly reason: string };

interface Row {
  readonly first: unknown;
  readonly bodies: unknown;
  readonly hashes: unknown;
}

interface Fault {
  readonly seq: number;
  readonly reason: string;
}

/** @throws Error when the file cannot be opened or is no ledger */
export function verifyLedger(path: string, options: VerifyOptions = {}): VerifyResult {
  const db = openReadOnly(path);
  try {
    // One snapshot, however long it takes and whatever is written meanwhile.
    db.exec('BEGIN');
    return walk(db, options.anchor);
  } finally {
    db.close();
  }
}

function walk(db: Sqlite, anchor: ChainPoint | undefined): VerifyResult {
  let last = CHAIN_START;
  const bad = (seq: number, reason: string): VerifyResult => ({ ok: false, records: last.seq, seq, reason });
  const rows = db.prepare<[], Row>('SELECT first, bodies, hashes FROM pages ORDER BY first').iterate();
  try {
    for (const row of rows) {
      const misplaced = pageFault(row, last);
      if (misplaced !== undefined) return bad(misplaced.seq, misplaced.reason);
      const page = row as Page;
      for (const record of unpackPage(page)) {
        const fault = recordFault(record, last);
        if (fault !== undefined) return bad(fault.seq, fault.reason);
        last = { seq: record.seq, hash: record.hash };
        if (anchor?.seq === last.seq && anchor.hash !== last.hash) {
          return bad(last.seq, 'its hash is not the one that was noted: the ledger was written anew up to here');
        }
      }
      if (last.seq !== page.first + hashedRecords(page) - 1) return bad(last.seq + 1, 'it is missing: only its hash is there');
    }
  } catch (error) {
    return bad(last.seq + 1, `it cannot be read from the file: ${(error as Error).message}`);
  }
  const reached = Math.max(anchor?.seq ?? 0, markedEnd(db));
  if (reached > last.seq) return bad(last.seq + 1, `it is missing: the ledger ends at seq ${last.seq}, but had reached seq ${reached}`);
  return { ok: true, records: last.seq, head: last };
}

/** What is wrong with the place of a page that follows `last`, or with its form. */
function pageFault({ first, bodies, hashes }: Row, last: ChainPoint): Fault | undefined {
  const expected = last.seq + 1;
  if (typeof first !== 'number') return { seq: expected, reason: 'its number is no number' };
  if (first < expected) return { seq: first, reason: first < 1 ? 'it was put in: records begin at seq 1' : 'it is there twice' };
  if (first > expected) return { seq: expected, reason: `it is missing: the next record is seq ${first}` };
  return typeof bodies === 'string' && Buffer.isBuffer(hashes) ? undefined : { seq: expected, reason: 'its body is no text, or its hash no bytes' };
}

/** What is wrong with the record that follows `last`, if anything. */
function recordFault({ seq, body, hash }: StoredRecord, last: ChainPoint): Fault | undefined {
  if (hashBody(body) !== hash) return { seq, reason: isOfOldKind(body, hash) ? OLD_KIND : 'its text is not the one that was hashed' };
  if (!body.startsWith(chainHead(seq, last.hash))) return { seq, reason: prefixFault(body, seq) };
  return contentFault(body, seq, last.hash);
}

function prefixFault(body: string, seq: number): string {
  const said = Number(/^\{"seq":(\d{1,15}),"prev":/.exec(body)?.[1]);
  if (said === seq) return `it does not follow record ${seq - 1}: one of the two was changed or put in`;
  return said > seq ? `it is missing, or was moved: in its place is record ${said}` : `its text does not say that it is record ${seq}`;
}

function contentFault(body: string, seq: number, prev: string): Fault | undefined {
  let parsed: { seq?: unknown; prev?: unknown };
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch (error) {
    return { seq, reason: `its text is no JSON: ${(error as Error).message}` };
  }
  // JSON.parse takes the last of two members of one name.
  return parsed.seq === seq && parsed.prev === prev ? undefined : { seq, reason: 'it names its seq or prev twice' };
}

/** The last seq that the ledger itself noted to have reached. */
function markedEnd(db: Sqlite): number {
  const mark = db.prepare<[], number>("SELECT value FROM meta WHERE name = 'closed_below'").pluck().get();
  return (mark ?? 1) - 1;
}
