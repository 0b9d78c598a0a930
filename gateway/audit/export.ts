/** An export as pieces of text, one after the other: whoever takes them sets the pace. Nothing is sent or written here. */
import type { LedgerReader } from '../../core/audit.ts';
import type { SearchFilter, SearchIndex } from '../../store/index.ts';
import { createBodies, parseRecord, recordsOf } from './bodies.ts';
import { CSV_HEAD, csvLine } from './csv.ts';
import { isCall, ocsfEvent } from './ocsf.ts';
import { otlpLogs, otlpRecord } from './otlp.ts';

export const FORMATS = ['jsonl', 'csv', 'ocsf', 'otlp'] as const;
export type ExportFormat = (typeof FORMATS)[number];

export interface Exported {
  readonly text: string;
  /** Of records (`jsonl`) or entries (the others). */
  readonly count: number;
  /** Entries that the format has no form for. */
  readonly skipped?: number;
}

/** What a collector takes well in one request. */
const OTLP_BATCH = 500;

export function* exported(format: ExportFormat, index: SearchIndex, reader: LedgerReader, filter: SearchFilter): Generator<Exported> {
  switch (format) {
    case 'jsonl':
      for (const { body } of recordsOf(index.scan(filter), reader)) yield { text: `${body}\n`, count: 1 };
      return;
    case 'csv': {
      const recordOf = createBodies(reader);
      yield { text: CSV_HEAD, count: 0 };
      for (const entry of index.scan(filter)) {
        const record = recordOf(entry.seq);
        yield { text: csvLine(entry, record && parseRecord(record)), count: 1 };
      }
      return;
    }
    case 'ocsf': {
      const recordOf = createBodies(reader);
      for (const entry of index.scan(filter)) {
        const record = isCall(entry) ? recordOf(entry.seq) : undefined;
        const body = record && parseRecord(record);
        if (record === undefined || body === undefined) yield { text: '', count: 0, skipped: 1 };
        else yield { text: `${JSON.stringify(ocsfEvent(entry, record, body))}\n`, count: 1 };
      }
      return;
    }
    case 'otlp': {
      const recordOf = createBodies(reader);
      let batch: object[] = [];
      for (const entry of index.scan(filter)) {
        const record = recordOf(entry.seq);
        batch.push(otlpRecord(entry, record && parseRecord(record)));
        if (batch.length < OTLP_BATCH) continue;
        yield { text: `${otlpLogs(batch)}\n`, count: batch.length };
        batch = [];
      }
      if (batch.length > 0) yield { text: `${otlpLogs(batch)}\n`, count: batch.length };
      return;
    }
    default:
      format satisfies never;
  }
}
