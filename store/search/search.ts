/**
 * The ledger as it is asked: an index beside it (`search.db`), made of nothing but its records and made anew whenever it does
 * not fit them. It is no authority: what a record says, the ledger says.
 */
import type { Statement } from 'better-sqlite3';
import { createLedgerReader } from '../ledger/index.ts';
import type { SearchOutcome } from './entry.ts';
import type { SearchEntry, SearchFilter, SearchPage } from './filter.ts';
import { planSearch, type Bounds, type Plan } from './plan.ts';
import { openSearchFile } from './schema.ts';
import { updateIndex, type UpdateOptions } from './update.ts';
import type { Effect } from '../../core/decision.ts';

export interface SearchIndex {
  /**
   * Reads what the ledger has and the index has not. Other processes may do the same.
   * @throws Error when the ledger cannot be read, or the index not be written
   */
  update(options?: UpdateOptions): Promise<void>;
  /** Newest first. As of the last update. */
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

interface Row {
  readonly seq: number;
  readonly time: number;
  readonly kind: number;
  readonly is_error: 0 | 1 | null;
  readonly duration: number | null;
  readonly end: number | null;
  readonly call: string | null;
  readonly [dim: string]: unknown;
}

const SCAN_ROWS = 1000;
const MAX_REMEMBERED = 20_000;
/** Members of an answer, and the dimension that each comes from. */
const MEMBERS = [
  ['caller', 'caller'], ['tenant', 'tenant'], ['tool', 'tool'], ['name', 'name'], ['decision', 'effect'], ['rule', 'rule'],
  ['outcome', 'outcome'], ['code', 'code'], ['session', 'session'], ['trace', 'trace'], ['approval', 'approval'],
] as const;

/** @throws Error when the index can neither be opened nor made */
export function openSearch(dataDir: string): SearchIndex {
  const db = openSearchFile(dataDir);
  const words = new Map<number, string>();
  let made = '';
  /** Made when the tables are there. */
  let findWord: Statement<[number], string> | undefined;
  let findMade: Statement<[], Buffer> | undefined;

  /** Within a transaction, before anything is read: what is remembered is of this index and no earlier one. */
  function look(): string {
    findMade ??= db.prepare<[], Buffer>('SELECT made FROM reached').pluck();
    const now = findMade.get()?.toString('hex') ?? '';
    if (now !== made) words.clear();
    return (made = now);
  }

  function word(id: number): string {
    let text = words.get(id);
    if (text === undefined) {
      findWord ??= db.prepare<[number], string>('SELECT word FROM words WHERE id = ?').pluck();
      text = findWord.get(id) ?? '';
      if (words.size >= MAX_REMEMBERED) words.clear();
      words.set(id, text);
    }
    return text;
  }

  function entryFrom(row: Row): SearchEntry {
    const texts: Partial<Record<(typeof MEMBERS)[number][0], string>> = {};
    for (const [member, dim] of MEMBERS) {
      const id = row[dim];
      if (typeof id === 'number') texts[member] = word(id);
    }
    const { decision, outcome, ...rest } = texts;
    return {
      seq: row.seq,
      ...(row.end === null ? {} : { end: row.end }),
      time: row.time,
      kind: word(row.kind),
      ...rest,
      ...(decision === undefined ? {} : { decision: decision as Effect }),
      ...(outcome === undefined ? {} : { outcome: outcome as SearchOutcome }),
      ...(row.is_error === null ? {} : { isError: row.is_error === 1 }),
      ...(row.duration === null ? {} : { durationMs: row.duration }),
      ...(row.call === null ? {} : { call: row.call }),
    };
  }

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
