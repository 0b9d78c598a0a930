/** What can be wrong with a page of the ledger, and with a record that follows another. It sees no further than that. */
import { isUtf8 } from 'node:buffer';
import type { StoredRecord } from '../../core/audit.ts';
import { chainHead, hashBody, isOfOldKind, OLD_KIND, type ChainPoint } from './chain.ts';
import { unpackPage } from './page.ts';

/** A page as it lies in the file: nothing about it is known yet. */
export interface Row {
  readonly first: unknown;
  readonly kind: unknown;
  /** The bodies as they lie there: text that is no UTF-8 would be read as other text. */
  readonly bytes: unknown;
  readonly hashes: unknown;
}

/** Reads pages as `Row`. */
export const ROWS = 'SELECT first, typeof(bodies) AS kind, CAST(bodies AS BLOB) AS bytes, hashes FROM pages';

export interface Fault {
  readonly seq: number;
  readonly reason: string;
}

/** The records of a page that follows `last`, or what is wrong with its place or form. */
export function recordsOf({ first, kind, bytes, hashes }: Row, last: ChainPoint): StoredRecord[] | Fault {
  const expected = last.seq + 1;
  if (typeof first !== 'number') return { seq: expected, reason: 'its number is no number' };
  if (first < expected) return { seq: first, reason: first < 1 ? 'it was put in: records begin at seq 1' : 'it is there twice' };
  if (first > expected) return { seq: expected, reason: `it is missing: the next record is seq ${first}` };
  if (kind !== 'text' || !Buffer.isBuffer(bytes) || !Buffer.isBuffer(hashes)) return { seq: expected, reason: 'its body is no text, or its hash no bytes' };
  const bodies = bytes.toString();
  const records = unpackPage({ first, bodies, hashes });
  if (isUtf8(bytes)) return records;
  const changed = records.find(({ body, hash }) => hashBody(body) !== hash) ?? records[0];
  return { seq: changed?.seq ?? expected, reason: 'its text is not the one that was hashed: it is no UTF-8' };
}

/** What is wrong with the record that follows `last`, if anything. `unlinked`: it and `last` do not fit together. */
export function recordFault({ seq, body, hash }: StoredRecord, last: ChainPoint): Fault | 'unlinked' | undefined {
  if (hashBody(body) !== hash) return { seq, reason: isOfOldKind(body, hash) ? OLD_KIND : 'its text is not the one that was hashed' };
  if (body.startsWith(chainHead(seq, last.hash))) return undefined;
  const said = Number(/^\{"seq":(\d{1,15}),"prev":/.exec(body)?.[1]);
  if (said === seq) return seq === 1 ? { seq, reason: 'it says that there was a record before it' } : 'unlinked';
  return { seq, reason: said > seq ? `it is missing, or was moved: in its place is record ${said}` : `its text does not say that it is record ${seq}` };
}

/**
 * Of two records that do not fit together one was changed or put in, with a hash of its own. The one after them tells:
 * where it follows `record`, that one is of the chain, and the one before it is not.
 */
export function linkFault({ seq, hash }: StoredRecord, next: StoredRecord | undefined): Fault {
  const isOfTheChain = next === undefined || new RegExp(`^\\{"seq":\\d+,"prev":"${hash}",`).test(next.body);
  if (isOfTheChain) return { seq: seq - 1, reason: `it was changed or put in, with a hash of its own: record ${seq} follows another record ${seq - 1}` };
  return { seq, reason: `it was changed or put in, with a hash of its own: it does not follow record ${seq - 1}` };
}

/** What a sound record says, or what is wrong with that. */
export function contentOf(body: string, { seq, hash: prev }: { seq: number; hash: string }): Readonly<Record<string, unknown>> | Fault {
  let parsed: Readonly<Record<string, unknown>>;
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch (error) {
    return { seq, reason: `its text is no JSON: ${(error as Error).message}` };
  }
  // JSON.parse takes the last of two members of one name.
  return parsed['seq'] === seq && parsed['prev'] === prev ? parsed : { seq, reason: 'it names its seq or prev twice' };
}

export const isFault = (value: object): value is Fault => 'reason' in value && 'seq' in value && !('kind' in value);
