/**
 * The ledger as it is asked: an index beside it (`search.db`), made of nothing but its records and made anew whenever it does
 * not fit them. It is no authority: what a record says, the ledger says.
 */
import type { Statement } from 'better-sqlite3';
import { createLedgerReader } from '../ledger/index.ts';
import type { SearchEntry, SearchFilter, SearchPage } from './filter.ts';
import { planSearch, type Bounds, type Plan } from './plan.ts';
import { createRowReader, type Row } from './rows.ts';
import { openSearchFile } from './schema.ts';
import { updateIndex, type UpdateOptions } from './update.ts';

export interface SearchIndex {
  /**
   * Reads what the ledger has and the index has not. Other processes may do the same.
   * @throws Error when the ledger cannot be read, or the index not be written
   */
  update(options?: UpdateOptions): Promise<void>;
  /** Newest first. As of the last update, of which there must have been one, as for all that follows. */
  search(filter: SearchFilter, page: { readonly limit: number; readonly before?: number }): SearchPage;
  /** All of them, oldest first, read a thousand at a time. */
  scan(filter: SearchFilter): IterableIterator<SearchEntry>;
  /** The first behind a record. */
  nextAfter(filter: SearchFilter, seq: number): SearchEntry | undefined;
  /** The entry that a record began, or ended. */
  entryOf(seq: number): SearchEntry | undefined;
  /** How SQLite answers a search: for tests and benchmarks. */
  explain(filter: SearchFilter, limit: number): string[];
  close(): void;
}

const SCAN_ROWS = 1000;

/** @throws Error when the index can neither be opened nor made */
export function openSearch(dataDir: string): SearchIndex {
  const db = openSearchFile(dataDir);
  const { look, entryFrom } = createRowReader(db);

  /** One snapshot for the plan, the rows and their words: another process may make the index anew meanwhile. */
  const read = db.transaction((filter: SearchFilter, bounds: Bounds): SearchEntry[] => {
    look();
    const { sql, params } = planSearch(db, filter, bounds);
    return db.prepare<[object], Row>(sql).all(params).map(entryFrom);
  });

  const one = db.transaction((seq: number): SearchEntry | undefined => {
    look();
    const row = db.prepare<[number, number], Row>('SELECT * FROM entries WHERE seq = ? UNION ALL SELECT * FROM entries WHERE end = ? LIMIT 1').get(seq, seq);
    return row === undefined ? undefined : entryFrom(row);
  });

  /** Page by page by one plan, for as long as it is the same index. */
  function scanner(filter: SearchFilter): (after: number) => SearchEntry[] {
    let planned: { readonly of: string; readonly statement: Statement<[object], Row>; readonly params: Plan['params'] } | undefined;
    return db.transaction((after: number): SearchEntry[] => {
      const of = look();
      if (planned?.of !== of) {
        const { sql, params } = planSearch(db, filter, { limit: SCAN_ROWS, after, order: 'oldest' });
        planned = { of, statement: db.prepare<[object], Row>(sql), params };
      }
      const { statement, params } = planned;
      return statement.all({ ...params, low: Math.max(Number(params['low'] ?? 0), after + 1) }).map(entryFrom);
    });
  }

  return {
    async update(options) {
      const reader = createLedgerReader(dataDir);
      try {
        await updateIndex(db, reader, options);
      } finally {
        reader.close();
      }
    },
    search(filter, { limit, before }) {
      const found = read(filter, { limit: limit + 1, order: 'newest', ...(before === undefined ? {} : { before }) });
      const entries = found.slice(0, limit);
      const last = entries.at(-1);
      return { entries, ...(found.length > limit && last !== undefined ? { next: last.seq } : {}) };
    },
    *scan(filter) {
      const next = scanner(filter);
      for (let after = 0; ; ) {
        const entries = next(after);
        yield* entries;
        const last = entries.at(-1);
        if (last === undefined || entries.length < SCAN_ROWS) return;
        after = last.seq;
      }
    },
    nextAfter: (filter, seq) => read(filter, { limit: 1, after: seq, order: 'oldest' })[0],
    entryOf: one,
    explain(filter, limit) {
      const { sql, params } = planSearch(db, filter, { limit, order: 'newest' });
      return db.prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(params).map(({ detail }) => detail);
    },
    close: () => void db.close(),
  };
}
