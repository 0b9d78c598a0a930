/**
 * Takes the text out of records for good: their lines become empty and their hashes stay, so that the chain, the tree and
 * every proof still hold. It does not say which (store/retention does), nor that it was done (a `purge` record does).
 */
import type { Sqlite } from '../sqlite.ts';
import type { Page } from './page.ts';

/** First and last `seq`. */
export type SeqRange = readonly [from: number, to: number];

export interface Blanking {
  /** Within a transaction of the caller's. Returns about how many bytes were written. */
  blank(ranges: readonly SeqRange[], below: number): number;
  /**
   * Copies the log into the database and cuts it to nothing, so that what was written over stands in neither. False while a
   * reader holds on to it; waits for none.
   */
  emptyLog(busyTimeoutMs: number): boolean;
}

export function createBlanking(db: Sqlite): Blanking {
  const pagesIn = db.prepare<[number, number], Page>(
    'SELECT first, hashes, bodies FROM pages WHERE first >= coalesce((SELECT max(first) FROM pages WHERE first <= ?), 0) AND first <= ? ORDER BY first',
  );
  const update = db.prepare<[string, number]>('UPDATE pages SET bodies = ? WHERE first = ?');

  return {
    blank(ranges, below) {
      let bytes = 0;
      for (const [from, to] of ranges) {
        for (const { first, bodies } of pagesIn.all(from, to)) {
          const lines = bodies.split('\n');
          const left = lines.map((line, at) => (first + at >= from && first + at <= to && first + at < below ? '' : line)).join('\n');
          if (left === bodies) continue;
          update.run(left, first);
          bytes += bodies.length;
        }
      }
      return bytes;
    },
    emptyLog(busyTimeoutMs) {
      db.pragma('busy_timeout = 0');
      try {
        const [row] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
        return row?.busy === 0;
      } catch {
        return false;
      } finally {
        db.pragma(`busy_timeout = ${busyTimeoutMs}`);
      }
    },
  };
}
