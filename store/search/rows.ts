/** Rows of the index as entries, with the words that their numbers stand for. It chooses no rows. */
import type { Statement } from 'better-sqlite3';
import type { Effect } from '../../core/decision.ts';
import type { Sqlite } from '../sqlite.ts';
import type { SearchOutcome } from './entry.ts';
import type { SearchEntry } from './filter.ts';

export interface Row {
  readonly seq: number;
  readonly time: number;
  readonly kind: number;
  readonly is_error: 0 | 1 | null;
  readonly duration: number | null;
  readonly end: number | null;
  readonly call: string | null;
  readonly [dim: string]: unknown;
}

export interface RowReader {
  /**
   * To be called within a transaction, before its rows are read: what is remembered is of this index and no earlier one.
   * @returns what tells this index from one that was made anew, or that a purge went through
   */
  look(): string;
  entryFrom(row: Row): SearchEntry;
}

const MAX_REMEMBERED = 20_000;
/** Members of an answer, and the dimension that each comes from. */
const MEMBERS = [
  ['caller', 'caller'], ['tenant', 'tenant'], ['tool', 'tool'], ['name', 'name'], ['decision', 'effect'], ['rule', 'rule'],
  ['outcome', 'outcome'], ['code', 'code'], ['session', 'session'], ['trace', 'trace'], ['approval', 'approval'],
] as const;

export function createRowReader(db: Sqlite): RowReader {
  const words = new Map<number, string>();
  let made = '';
  /** Made when the tables are there. */
  let findWord: Statement<[number], string> | undefined;
  let findMade: Statement<[], Buffer> | undefined;

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

  return { look, entryFrom };
}
