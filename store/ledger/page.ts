/**
 * How records lie in the database: the records of one commit are one row, since a row costs more than what is in it.
 * The one definition that writing, reading, recovery and verification share. No storage, no judgement.
 */
import type { StoredRecord } from '../../core/audit.ts';
import { chainBody, hashBody, type ChainPoint } from './chain.ts';

/** More than these go into another row of the same commit, so that reading one record never means reading megabytes. */
export const RECORDS_PER_PAGE = 256;
const HASH_BYTES = 32;

export interface Page {
  /** `seq` of its first record; the others follow without gaps. */
  readonly first: number;
  /** The bodies, one a line: JSON text holds no raw line feed (RFC 8259, section 7). */
  readonly bodies: string;
  /** The hash of each record, 32 bytes each, in order. */
  readonly hashes: Buffer;
}

/** Chains `records`, JSON objects with at least one member each, to what ends at `tail`. */
export function packPages(tail: ChainPoint, records: readonly string[]): { pages: Page[]; tail: ChainPoint } {
  let { seq, hash } = tail;
  const pages: Page[] = [];
  for (let from = 0; from < records.length; from += RECORDS_PER_PAGE) {
    const first = seq + 1;
    const bodies: string[] = [];
    let hashes = '';
    for (const json of records.slice(from, from + RECORDS_PER_PAGE)) {
      seq += 1;
      const body = chainBody(seq, hash, json);
      hash = hashBody(body);
      bodies.push(body);
      hashes += hash;
    }
    pages.push({ first, bodies: bodies.join('\n'), hashes: Buffer.from(hashes, 'hex') });
  }
  return { pages, tail: { seq, hash } };
}

/** What lies in a page, as it lies there: a record beyond the hashes has an empty one. */
export function unpackPage({ first, bodies, hashes }: Page): StoredRecord[] {
  const hex = hashes.toString('hex');
  return bodies.split('\n').map((body, index) => ({
    seq: first + index,
    body,
    hash: hex.slice(index * HASH_BYTES * 2, (index + 1) * HASH_BYTES * 2),
  }));
}

/** How many records a page was written with, whatever its text has become. */
export const hashedRecords = ({ hashes }: Pick<Page, 'hashes'>): number => hashes.length / HASH_BYTES;
