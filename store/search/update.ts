/**
 * Brings the index up to where the ledger is: in slices, each a transaction of its own, so that several processes may do it at
 * once and none has to begin anew. It only reads the ledger.
 */
import { performance } from 'node:perf_hooks';
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import type { Sqlite } from '../sqlite.ts';
import { readingOf, type Ending, type Entry } from './entry.ts';
import { isCurrent, makeAnew, type Reached } from './schema.ts';
import { parseBody, textOf } from './text.ts';
import { createWriter, type Writer } from './writer.ts';

export interface UpdateProgress {
  /** Records that the index has by now, and that the ledger has. */
  readonly reached: number;
  readonly records: number;
}

export interface UpdateOptions {
  /** Records that one transaction takes. */
  readonly sliceRecords?: number;
  readonly onProgress?: (progress: UpdateProgress) => void;
  /** Called between slices; the update goes on when it resolves. */
  readonly pause?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

const SLICE_RECORDS = 10_000;
const RETRY_MS = 20;
/** How long another process may hold the lock without getting any further. */
const WAIT_MS = 15_000;

/** @throws Error when the ledger cannot be read, or the index not be written */
export async function updateIndex(db: Sqlite, reader: LedgerReader, options: UpdateOptions = {}): Promise<void> {
  const { sliceRecords = SLICE_RECORDS, onProgress, pause, signal } = options;
  const last = reader.tail(1).at(-1)?.seq ?? 0;
  let writer: Writer | undefined;
  let waitedAt: { readonly seq: number | undefined; readonly ms: number } = { seq: -1, ms: 0 };
  for (;;) {
    signal?.throwIfAborted();
    const known = isCurrent(db) ? reachedIn(db) : undefined;
    if (known?.seq === last && fits(known, reader)) return;
    let reached: number;
    try {
      db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      // Another process is at it: what it does need not be done here.
      if (!isBusy(error)) throw error;
      if (known?.seq !== waitedAt.seq) waitedAt = { seq: known?.seq, ms: performance.now() };
      else if (performance.now() - waitedAt.ms > WAIT_MS) throw new Error('another process holds it locked, and does not go on', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    try {
      const from = beginSlice(db, reader);
      if (writer === undefined || writer.reached !== from.seq || !writer.isOf(from)) writer = createWriter(db, from);
      reached = takeSlice(writer, reader.after(from.seq, sliceRecords));
      // Words are gone from the file only when it is merged anew; in the same transaction, since nothing would come back to it.
      if (writer.purged) db.exec("INSERT INTO found (found) VALUES ('optimize')");
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
    if (writer.purged) {
      // The log holds pages as they were; whoever closes the index last empties it, where this cannot.
      db.pragma('wal_checkpoint(TRUNCATE)');
      writer = undefined;
    }
    onProgress?.({ reached, records: Math.max(last, reached) });
    if (reached >= last) return;
    await (pause?.() ?? new Promise((resolve) => setImmediate(resolve)));
  }
}

const isBusy = (error: unknown): boolean => String((error as { code?: string }).code).startsWith('SQLITE_BUSY');

const reachedIn = (db: Sqlite): Reached => db.prepare<[], Reached>('SELECT seq, hash FROM reached').get() ?? { seq: -1, hash: '' };

/** Whether the ledger is still the one that was read: it has the last record that was taken, by its hash. */
const fits = ({ seq, hash }: Reached, reader: LedgerReader): boolean => seq === 0 || (seq > 0 && reader.after(seq - 1, 1)[0]?.hash === hash);

/** Where the next slice begins; 0 where the index had to be made anew. */
function beginSlice(db: Sqlite, reader: LedgerReader): Reached {
  if (isCurrent(db)) {
    const reached = reachedIn(db);
    if (fits(reached, reader)) return reached;
  }
  makeAnew(db);
  return reachedIn(db);
}

function takeSlice(writer: Writer, records: readonly StoredRecord[]): number {
  /** Calls that began in this slice: most end in it too, and are written once. */
  const begun = new Map<string, { entry: Entry; text: string; ending?: Ending }>();
  const flush = (): void => {
    for (const { entry, text, ending } of begun.values()) writer.add(entry, text, ending);
    begun.clear();
  };
  for (const record of records) {
    const body = bodyOf(record);
    if (body === undefined) continue;
    const reading = readingOf(record.seq, body);
    writer.span(record.seq, reading.entry.time);
    if (reading.type === 'ending') {
      const began = begun.get(reading.call);
      if (began !== undefined && began.ending === undefined) began.ending = reading.ending;
      // An end whose beginning is not there speaks for itself.
      else if (!writer.end(reading.call, reading.ending)) writer.add(reading.entry, textOf(body), reading.ending);
      continue;
    }
    const text = textOf(body);
    const { entry } = reading;
    if (entry.isOpen && entry.call !== undefined) {
      // An end is that of the last beginning.
      const earlier = begun.get(entry.call);
      if (earlier !== undefined) writer.add(earlier.entry, earlier.text, earlier.ending);
      begun.set(entry.call, { entry, text });
    } else writer.add(entry, text);
    if (reading.type === 'purge') {
      flush();
      // No record can have taken itself or a later one.
      writer.purge(reading.ranges.map(([from, to]) => [from, Math.min(to, record.seq - 1)] as const));
    }
  }
  flush();
  const last = records.at(-1);
  if (last !== undefined) writer.reach(last);
  return writer.reached;
}

/** Nothing where its text was taken out, or is none of ours: the ledger's own check names such a record. */
function bodyOf({ body }: StoredRecord): ReturnType<typeof parseBody> | undefined {
  if (body === '') return undefined;
  try {
    const parsed: unknown = parseBody(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as ReturnType<typeof parseBody>) : undefined;
  } catch {
    return undefined;
  }
}
