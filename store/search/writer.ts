/** Rows into the index, within a transaction that its user holds. It reads no ledger. */
import type { StoredRecord } from '../../core/audit.ts';
import type { Sqlite } from '../sqlite.ts';
import type { Ending, Entry, SeqRange } from './entry.ts';
import { DIMENSIONS, type Dimension, type Reached } from './schema.ts';

export interface Writer {
  /** The last record that it has taken. */
  readonly reached: number;
  /** Rows were taken out since it was made. */
  readonly purged: boolean;
  /** Whether what it remembers of the index is still so: nobody has written since. */
  isOf(reached: Reached): boolean;
  /** Tells where a record's time is found. In the order of records. */
  span(seq: number, time: number): void;
  add(entry: Entry, text: string, ending?: Ending): void;
  /** Joins an end with the call's open entry; false where there is none. */
  end(call: string, ending: Ending): boolean;
  /** Takes out what the records of these ranges have said. */
  purge(ranges: readonly SeqRange[]): void;
  reach(record: StoredRecord): void;
}

/** Numbers of words remembered for one dimension. */
const MAX_REMEMBERED = 20_000;
const SPAN_RECORDS = 256;

export function createWriter(db: Sqlite, begin: Reached): Writer {
  const insert = db.prepare(`INSERT INTO entries (seq, time, ${DIMENSIONS.join(', ')}, is_error, duration, end, open, call)
    VALUES (${Array.from({ length: DIMENSIONS.length + 7 }, () => '?').join(', ')})`);
  const insertText = db.prepare<[number, string]>('INSERT INTO found (rowid, text) VALUES (?, ?)');
  const findOpen = db.prepare<[string], number>('SELECT seq FROM entries WHERE call = ? AND open = 1 ORDER BY seq DESC LIMIT 1').pluck();
  const setEnd = db.prepare('UPDATE entries SET outcome = ?, code = ?, is_error = ?, duration = ?, end = ?, open = 0 WHERE seq = ?');
  const putSpan = db.prepare('INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?)');
  const setReached = db.prepare('UPDATE reached SET seq = ?, hash = ?');
  const { idOf, forget } = createNumbers(db);
  let span = lastSpan(db);
  let isSpanWritten = true;
  let reached = begin;
  let purged = false;

  const writeSpan = (): void => {
    if (isSpanWritten || span === undefined) return;
    putSpan.run(span.first, span.last, span.min, span.max);
    isSpanWritten = true;
  };

  return {
    get reached() {
      return reached.seq;
    },
    get purged() {
      return purged;
    },
    isOf: ({ seq, hash }) => seq === reached.seq && hash === reached.hash,
    span(seq, time) {
      if (span === undefined || seq - span.first >= SPAN_RECORDS) {
        writeSpan();
        span = { first: seq, last: seq, min: time, max: time };
      } else span = { first: span.first, last: seq, min: Math.min(span.min, time), max: Math.max(span.max, time) };
      isSpanWritten = false;
    },
    add({ seq, time, call, texts, isOpen }, text, ending) {
      const said = ending === undefined ? texts : { ...texts, outcome: ending.outcome, ...(ending.code === undefined ? {} : { code: ending.code }) };
      const ids = DIMENSIONS.map((dim) => idOf(dim, said[dim]));
      insert.run(seq, time, ...ids, bit(ending?.isError), ending?.durationMs ?? null, ending?.end ?? null, ending === undefined && isOpen ? 1 : 0, call ?? null);
      if (text !== '') insertText.run(seq, text);
    },
    end(call, { end, outcome, code, isError, durationMs }) {
      const seq = findOpen.get(call);
      if (seq === undefined) return false;
      setEnd.run(idOf('outcome', outcome), idOf('code', code), bit(isError), durationMs ?? null, end, seq);
      return true;
    },
    purge(ranges) {
      const removeText = db.prepare<[number, number]>('DELETE FROM found WHERE rowid BETWEEN ? AND ?');
      const remove = db.prepare<[number, number]>('DELETE FROM entries WHERE seq BETWEEN ? AND ?');
      // A call whose beginning is still there and whose end is gone is as open as if the index were made anew.
      const reopen = db.prepare(`UPDATE entries SET outcome = ?, code = NULL, is_error = NULL, duration = NULL, end = NULL, open = 1
        WHERE end BETWEEN ? AND ? AND end <> seq`);
      const open = idOf('outcome', 'open');
      for (const [from, to] of ranges) {
        removeText.run(from, to);
        remove.run(from, to);
        reopen.run(open, from, to);
      }
      for (const dim of DIMENSIONS) db.prepare(`DELETE FROM words WHERE dim = ? AND id NOT IN (SELECT ${dim} FROM entries WHERE ${dim} IS NOT NULL)`).run(dim);
      forget();
      // Numbers that are free again will be given to other words.
      db.prepare('UPDATE reached SET made = randomblob(8)').run();
      purged = true;
    },
    reach({ seq, hash }) {
      writeSpan();
      setReached.run(seq, hash);
      reached = { seq, hash };
    },
  };
}

/** The numbers of words, made when they are first needed. */
function createNumbers(db: Sqlite): { idOf(dim: Dimension, word: string | undefined): number | null; forget(): void } {
  const find = db.prepare<[string, string], number>('SELECT id FROM words WHERE dim = ? AND word = ?').pluck();
  const add = db.prepare('INSERT INTO words (dim, word) VALUES (?, ?)');
  const remembered = new Map<Dimension, Map<string, number>>(DIMENSIONS.map((dim) => [dim, new Map()]));
  return {
    idOf(dim, word) {
      if (word === undefined) return null;
      const known = remembered.get(dim) as Map<string, number>;
      let id = known.get(word);
      if (id === undefined) {
        id = find.get(dim, word) ?? Number(add.run(dim, word).lastInsertRowid);
        if (known.size >= MAX_REMEMBERED) known.clear();
        known.set(word, id);
      }
      return id;
    },
    forget() {
      for (const known of remembered.values()) known.clear();
    },
  };
}

const bit = (value: boolean | undefined): number | null => (value === undefined ? null : Number(value));

const lastSpan = (db: Sqlite): { first: number; last: number; min: number; max: number } | undefined =>
  db.prepare<[], { first: number; last: number; min: number; max: number }>('SELECT first, last, min_time AS min, max_time AS max FROM spans ORDER BY first DESC LIMIT 1').get();
