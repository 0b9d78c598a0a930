/**
 * From a filter to the statement that answers it. A search begins where the fewest rows are: which index that is, is counted
 * (up to a bound) and not left to SQLite, so that the slowest answer is known: one reading of the narrow table.
 */
import { compilePattern } from '../../core/pattern.ts';
import type { Sqlite } from '../sqlite.ts';
import type { SearchFilter } from './filter.ts';
import type { Dimension } from './schema.ts';
import { question } from './text.ts';

export interface Plan {
  readonly sql: string;
  readonly params: Readonly<Record<string, string | number>>;
}

export interface Bounds {
  readonly limit: number;
  /** Exclusive. */
  readonly before?: number;
  readonly after?: number;
  readonly order: 'newest' | 'oldest';
}

/** A value that rows must have, or any of several. */
interface Condition {
  readonly index: string;
  readonly where: string;
  readonly isOne: boolean;
}

/** From so many rows on, reading the table from the end is no slower than looking each of them up. */
const MANY = 20_000;
const NOTHING: Plan = { sql: 'SELECT * FROM entries WHERE 0 AND @low', params: { low: 0 } };

const TEXTS: readonly (readonly [member: Exclude<keyof SearchFilter, 'since' | 'until'>, dim: Dimension])[] = [
  ['session', 'session'], ['trace', 'trace'], ['approval', 'approval'], ['caller', 'caller'], ['rule', 'rule'], ['code', 'code'],
  ['outcome', 'outcome'], ['decision', 'effect'],
];

export function planSearch(db: Sqlite, filter: SearchFilter, bounds: Bounds): Plan {
  const found = conditionsOf(db, filter);
  const match = filter.text === undefined ? undefined : question(filter.text);
  if (found === undefined || (filter.text !== undefined && match === undefined)) return NOTHING;
  const { conditions, params } = found;
  const [low, high] = seqRange(db, filter, bounds);
  if (low > high) return NOTHING;
  Object.assign(params, { low, high, limit: bounds.limit, ...(match === undefined ? {} : { match }) });
  if (filter.since !== undefined) params['since'] = filter.since;
  if (filter.until !== undefined) params['until'] = filter.until;
  const counted = conditions.map((condition) => ({ condition, rows: rowsOf(db, condition, params) })).sort((a, b) => a.rows - b.rows);
  const [first] = counted;
  const times = [...(filter.since === undefined ? [] : ['time >= @since']), ...(filter.until === undefined ? [] : ['time <= @until'])];
  const order = bounds.order === 'newest' ? 'DESC' : 'ASC';
  const rest = (used?: Condition): string => [...conditions.filter((one) => one !== used).map(({ where }) => unindexed(where)), ...times].map((text) => ` AND ${text}`).join('');

  if (match !== undefined && (first === undefined || first.rows >= MANY || matchRows(db, params) < first.rows)) {
    const sql = `SELECT entries.* FROM found CROSS JOIN entries ON entries.seq = found.rowid
      WHERE found MATCH @match AND found.rowid BETWEEN @low AND @high${rest()} ORDER BY found.rowid ${order} LIMIT @limit`;
    return { sql, params };
  }
  // Read once: to ask it for each row costs more from some thousand rows on.
  const words = match === undefined ? '' : ' AND +seq IN (SELECT rowid FROM found WHERE found MATCH @match AND rowid BETWEEN @low AND @high)';
  // One value alone comes in order from its index, however many rows have it.
  const begins = first !== undefined && (first.rows < MANY || (first.condition.isOne && conditions.length === 1)) ? first.condition : undefined;
  const from = begins === undefined ? 'entries NOT INDEXED' : `entries INDEXED BY ${begins.index}`;
  const where = begins === undefined ? '' : `${begins.where} AND `;
  return { sql: `SELECT * FROM ${from} WHERE ${where}seq BETWEEN @low AND @high${rest(begins)}${words} ORDER BY seq ${order} LIMIT @limit`, params };
}

/** SQLite takes no index for a term behind a unary plus (sqlite.org/optoverview.html, 9). */
const unindexed = (where: string): string => `+${where}`;

/** @returns undefined where a value that is asked for occurs nowhere */
function conditionsOf(db: Sqlite, filter: SearchFilter): { conditions: Condition[]; params: Record<string, string | number> } | undefined {
  const conditions: Condition[] = [];
  const params: Record<string, string | number> = {};
  if (filter.call !== undefined) {
    conditions.push({ index: 'by_call', where: 'call = @call', isOne: true });
    params['call'] = filter.call;
  }
  const idOf = db.prepare<[string, string], number>('SELECT id FROM words WHERE dim = ? AND word = ?').pluck();
  for (const [member, dim] of TEXTS) {
    const word = filter[member];
    if (word === undefined) continue;
    const id = idOf.get(dim, word);
    if (id === undefined) return undefined;
    conditions.push({ index: `by_${dim}`, where: `${dim} = @${dim}`, isOne: true });
    params[dim] = id;
  }
  if (filter.tool !== undefined || filter.server !== undefined) {
    const ids = toolsOf(db, filter);
    if (ids.length === 0) return undefined;
    const isOne = ids.length === 1;
    conditions.push({ index: 'by_tool', where: isOne ? `tool = ${ids[0]}` : `tool IN (${ids.join(',')})`, isOne });
  }
  return { conditions, params };
}

function toolsOf(db: Sqlite, { tool = '*', server }: SearchFilter): number[] {
  const matches = compilePattern(tool);
  const all = db.prepare<[], { id: number; word: string }>("SELECT id, word FROM words WHERE dim = 'tool'").all();
  return all.filter(({ word }) => matches(word) && (server === undefined || word.startsWith(`${server}/`))).map(({ id }) => id);
}

type Params = Readonly<Record<string, string | number>>;

const rowsOf = (db: Sqlite, { index, where }: Condition, params: Params): number =>
  db.prepare<[Params], number>(`SELECT count(*) FROM (SELECT 1 FROM entries INDEXED BY ${index} WHERE ${where} AND seq BETWEEN @low AND @high LIMIT ${MANY})`).pluck().get(params) ?? 0;

const matchRows = (db: Sqlite, params: Params): number =>
  db.prepare<[Params], number>(`SELECT count(*) FROM (SELECT 1 FROM found WHERE found MATCH @match AND rowid BETWEEN @low AND @high LIMIT ${MANY})`).pluck().get(params) ?? 0;

/** Records outside of it are too early or too late, or on another page. Those within may be too: times need not ascend. */
function seqRange(db: Sqlite, { since, until }: SearchFilter, { before, after }: Bounds): [number, number] {
  let low = (after ?? 0) + 1;
  let high = (before ?? Number.MAX_SAFE_INTEGER) - 1;
  if (since !== undefined) low = Math.max(low, db.prepare<[number], number>('SELECT min(first) FROM spans WHERE max_time >= ?').pluck().get(since) ?? Number.MAX_SAFE_INTEGER);
  if (until !== undefined) high = Math.min(high, db.prepare<[number], number>('SELECT max(last) FROM spans WHERE min_time <= ?').pluck().get(until) ?? 0);
  return [low, high];
}
