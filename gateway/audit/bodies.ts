/** Records of the ledger in the order in which an export needs them, some hundred read at a time. Nothing is kept beyond that. */
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import type { JsonObject } from '../../core/json.ts';
import { parseRecordBody, type SearchEntry } from '../../store/index.ts';

const RECORDS_PER_READ = 512;

/** Reads on where it is asked for what comes soon. @returns undefined where the record is not there, or was purged */
export function createBodies(reader: LedgerReader): (seq: number) => StoredRecord | undefined {
  let window: readonly StoredRecord[] = [];
  let first = 0;
  return (seq) => {
    if (seq < first || seq >= first + window.length) {
      window = reader.after(seq - 1, RECORDS_PER_READ);
      first = window[0]?.seq ?? 0;
    }
    const record = window[seq - first];
    return record?.seq === seq && record.body !== '' ? record : undefined;
  };
}

/** The records of entries (each call's first and last), in the order of the ledger. */
export function* recordsOf(entries: Iterable<SearchEntry>, reader: LedgerReader): Generator<StoredRecord> {
  const bodyOf = createBodies(reader);
  const endOf = createBodies(reader);
  /** Ends to come, ascending: no more than there were calls under way at once. */
  const ends: number[] = [];
  const endsBefore = function* (seq: number): Generator<StoredRecord> {
    while (ends[0] !== undefined && ends[0] < seq) {
      const record = endOf(ends.shift() as number);
      if (record !== undefined) yield record;
    }
  };
  for (const { seq, end } of entries) {
    yield* endsBefore(seq);
    const record = bodyOf(seq);
    if (record !== undefined) yield record;
    if (end === undefined || end === seq) continue;
    const at = ends.findIndex((other) => other > end);
    ends.splice(at === -1 ? ends.length : at, 0, end);
  }
  yield* endsBefore(Infinity);
}

/** @returns undefined for what was changed by hand and is no JSON any more */
export function parseRecord({ body }: StoredRecord): JsonObject | undefined {
  try {
    return parseRecordBody(body);
  } catch {
    return undefined;
  }
}
