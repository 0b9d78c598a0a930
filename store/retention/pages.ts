/**
 * The ledger's pages read from end to end beside whatever else the process does: a few milliseconds at a time, and without
 * holding the write-ahead log back in between.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { LEDGER_FILE } from '../ledger/file.ts';
import type { Page } from '../ledger/page.ts';
import { openReadOnly } from '../sqlite.ts';

export interface Pages {
  /** Pages from the one that begins at `first` or later. */
  from(first: number): AsyncIterable<Page>;
  close(): void;
}

const PAGES_AT_A_TIME = 16;
const WORK_MS = 4;

/** @throws Error when there is no ledger in the directory, or it cannot be read */
export function openPages(dataDir: string): Pages {
  const db = openReadOnly(join(dataDir, LEDGER_FILE));
  const some = db.prepare<[number, number], Page>('SELECT first, hashes, bodies FROM pages WHERE first >= ? ORDER BY first LIMIT ?');
  return {
    async *from(first) {
      let next = first;
      let since = performance.now();
      for (;;) {
        const pages = some.all(next, PAGES_AT_A_TIME);
        yield* pages;
        const last = pages.at(-1);
        if (last === undefined) return;
        next = last.first + 1;
        if (performance.now() - since < WORK_MS) continue;
        await new Promise(setImmediate);
        since = performance.now();
      }
    },
    close: () => void db.close(),
  };
}
