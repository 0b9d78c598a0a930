/** `signalbox audit tail`: the newest records, and those that come. It checks none of them. */
import type { LedgerReader, RecordBody, StoredRecord } from '../../../core/audit.ts';
import { createRecordLines } from '../record-lines.ts';
import { print, printForeign, tell } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { openReader } from './open.ts';

export interface TailOptions extends CommonOptions {
  readonly lines: number;
  readonly follow?: boolean;
}

const POLL_MS = 250;
const MAX_RECORDS_PER_POLL = 1000;
/** Read besides, so that an end finds the beginning of its call. */
const CONTEXT_RECORDS = 1000;

export async function tail(options: TailOptions): Promise<void> {
  const data = dataDirOf(options);
  const reader = openReader(data);
  try {
    let lastSeq = options.json === true ? printBodies(reader.tail(options.lines)) : 0;
    const lines = createRecordLines();
    if (options.json !== true) {
      const records = reader.tail(options.lines * 2 + CONTEXT_RECORDS);
      lastSeq = records.at(-1)?.seq ?? 0;
      const shown = records.filter(hasText).flatMap((record) => lines.add(bodyOf(record)));
      for (const line of [...shown, ...(options.follow === true ? [] : lines.open())].slice(-options.lines)) print(line);
    }
    if (options.follow === true) await follow(reader, lastSeq, options.json === true ? printBodies : (records) => printLines(records, lines));
    else if (lastSeq === 0) tell('The ledger has no records yet.');
  } finally {
    reader.close();
  }
}

/** What was purged has none. */
const hasText = ({ body }: StoredRecord): boolean => body !== '';

const bodyOf = ({ body }: StoredRecord): RecordBody => JSON.parse(body) as RecordBody;

/** Each body as it is kept, byte for byte; it can be hashed and held against the chain. */
function printBodies(records: readonly StoredRecord[]): number {
  for (const { body } of records.filter(hasText)) printForeign(body);
  return records.at(-1)?.seq ?? 0;
}

function printLines(records: readonly StoredRecord[], lines: ReturnType<typeof createRecordLines>): number {
  for (const record of records.filter(hasText)) for (const line of lines.add(bodyOf(record))) print(line);
  return records.at(-1)?.seq ?? 0;
}

/** Until the process is told to stop, or nobody reads any more. */
async function follow(reader: LedgerReader, from: number, show: (records: readonly StoredRecord[]) => number): Promise<void> {
  let lastSeq = from;
  // Node's stdout says that it is writable again after a write that failed.
  let isRead = true;
  process.stdout.once('error', () => (isRead = false));
  while (isRead) {
    const records = reader.after(lastSeq, MAX_RECORDS_PER_POLL);
    if (records.length > 0) lastSeq = show(records);
    if (records.length < MAX_RECORDS_PER_POLL) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
