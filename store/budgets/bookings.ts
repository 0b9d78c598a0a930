/**
 * The bookings of budgets, read from the ledger's records: `booked` of intents, `settled` of outcomes. Whole pages at a
 * time and without parsing whole records, since a start waits for it. It adds nothing up.
 */
import { join } from 'node:path';
import type { Booking } from '../../core/lease.ts';
import { LEDGER_FILE } from '../ledger/file.ts';
import { hashedRecords, type Page } from '../ledger/page.ts';
import { openReadOnly } from '../sqlite.ts';

/** A record, by its place and its hash. */
export interface LedgerPoint {
  readonly seq: number;
  /** SHA-256 (hex); empty at 0. */
  readonly hash: string;
}

export interface BookingReader {
  /** Whether the ledger has exactly this record. */
  has(point: LedgerPoint): boolean;
  /** The point before the first page that holds a record of `timeMs` or later, or the end. */
  before(timeMs: number): LedgerPoint;
  /** What was booked behind a point that this reader gave, and how far that is; `undefined` at the end. */
  after(point: LedgerPoint, pages: number): { readonly bookings: Booking[]; readonly reached: LedgerPoint } | undefined;
  close(): void;
}

const START: LedgerPoint = { seq: 0, hash: '' };
const HASH_BYTES = 32;
const MEMBERS = ['booked', 'settled'] as const;

/** @throws Error when there is no ledger in the directory, or it cannot be read */
export function openBookings(dataDir: string): BookingReader {
  const db = openReadOnly(join(dataDir, LEDGER_FILE));
  const pageOf = db.prepare<[number], Page>('SELECT first, bodies, hashes FROM pages WHERE first <= ? ORDER BY first DESC LIMIT 1');
  const pagesAfter = db.prepare<[number, number], Page>('SELECT first, bodies, hashes FROM pages WHERE first > ? ORDER BY first LIMIT ?');
  // A record begins with seq, prev, kind and time. All pages are looked at: a clock that was set back has put later
  // times in front of earlier ones.
  const firstSince = db
    .prepare<[number], number | null>(`SELECT min(first) FROM pages WHERE CAST(substr(bodies, instr(bodies, '"time":') + 7, 13) AS INTEGER) >= ?`)
    .pluck();

  /** The end of the page that holds record `seq`. */
  const pointAt = (seq: number): LedgerPoint => {
    const page = pageOf.get(seq);
    return page === undefined ? START : endOf(page);
  };

  return {
    has({ seq, hash }) {
      const page = pageOf.get(seq);
      const at = seq - (page?.first ?? 0);
      return page !== undefined && at < hashedRecords(page) && page.hashes.toString('hex', at * HASH_BYTES, (at + 1) * HASH_BYTES) === hash;
    },
    before(timeMs) {
      const first = firstSince.get(timeMs);
      if (first === null || first === undefined) {
        // The last page may hold later records than its first.
        const last = pageOf.get(Number.MAX_SAFE_INTEGER);
        return last === undefined ? START : pointAt(last.first - 1);
      }
      const inFront = pageOf.get(first - 1);
      return inFront === undefined ? START : pointAt(inFront.first - 1);
    },
    after({ seq }, pages) {
      const found = pagesAfter.all(seq, pages);
      const last = found.at(-1);
      if (last === undefined) return undefined;
      return { bookings: found.flatMap(({ bodies }) => bookingsIn(bodies)), reached: endOf(last) };
    },
    close: () => void db.close(),
  };
}

const endOf = (page: Page): LedgerPoint => ({ seq: page.first + hashedRecords(page) - 1, hash: page.hashes.toString('hex', page.hashes.length - HASH_BYTES) });

function bookingsIn(bodies: string): Booking[] {
  const found: Booking[] = [];
  if (!MEMBERS.some((member) => bodies.includes(`,"${member}":[[`))) return found;
  for (const body of bodies.split('\n')) for (const member of MEMBERS) found.push(...memberOf(body, member));
  return found;
}

/**
 * The record's own member, not one of the same name in its arguments: from there to the record's end it is an object, once
 * the brace that opened the record is put in front. Within something deeper a brace more is closed, and that is no JSON.
 */
function memberOf(body: string, member: string): Booking[] {
  const start = `,"${member}":[[`;
  for (let at = body.lastIndexOf(start); at !== -1; at = at === 0 ? -1 : body.lastIndexOf(start, at - 1)) {
    let rest: Record<string, unknown>;
    try {
      rest = JSON.parse(`{${body.slice(at + 1)}`) as Record<string, unknown>;
    } catch {
      continue;
    }
    return checked(rest[member] as unknown[]);
  }
  return [];
}

export function checked(bookings: unknown[]): Booking[] {
  for (const booking of bookings) {
    const [budget, key, startMs, amount, ...more] = Array.isArray(booking) ? (booking as unknown[]) : [];
    if (typeof budget !== 'string' || typeof key !== 'string' || !Number.isSafeInteger(startMs) || !Number.isSafeInteger(amount) || more.length > 0) {
      throw new Error('a record holds a booking that is none');
    }
  }
  return bookings as Booking[];
}
