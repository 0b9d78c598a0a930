/** `signalbox audit`: the ledger read and checked, beside the gateway that writes it. Nothing here writes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerReader, RecordBody, StoredRecord } from '../../core/audit.ts';
import { createLedgerReader, LEDGER_FILE, verifyLedger, type VerifyResult } from '../../store/index.ts';
import { CommandError } from './exit.ts';
import { createRecordLines } from './record-lines.ts';
import { counted, print, printForeign, printJson, tell } from './print.ts';
import { dataDirOf, type CommonOptions } from './setup.ts';

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
      const shown = records.flatMap((record) => lines.add(bodyOf(record)));
      for (const line of [...shown, ...(options.follow === true ? [] : lines.open())].slice(-options.lines)) print(line);
    }
    if (options.follow === true) await follow(reader, lastSeq, options.json === true ? printBodies : (records) => printLines(records, lines));
    else if (lastSeq === 0) tell('The ledger has no records yet.');
  } finally {
    reader.close();
  }
}

const bodyOf = ({ body }: StoredRecord): RecordBody => JSON.parse(body) as RecordBody;

/** Each body as it is kept, byte for byte; it can be hashed and held against the chain. */
function printBodies(records: readonly StoredRecord[]): number {
  for (const { body } of records) printForeign(body);
  return records.at(-1)?.seq ?? 0;
}

function printLines(records: readonly StoredRecord[], lines: ReturnType<typeof createRecordLines>): number {
  for (const record of records) for (const line of lines.add(bodyOf(record))) print(line);
  return records.at(-1)?.seq ?? 0;
}

/** Until the process is told to stop, or nobody reads any more. */
async function follow(reader: LedgerReader, from: number, show: (records: readonly StoredRecord[]) => number): Promise<void> {
  let lastSeq = from;
  while (process.stdout.writable) {
    const records = reader.after(lastSeq, MAX_RECORDS_PER_POLL);
    if (records.length > 0) lastSeq = show(records);
    if (records.length < MAX_RECORDS_PER_POLL) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function openReader(data: string): LedgerReader {
  requireLedger(data);
  try {
    return createLedgerReader(data);
  } catch (error) {
    throw unreadable(data, error);
  }
}

function requireLedger(data: string): void {
  if (!existsSync(join(data, LEDGER_FILE))) throw new CommandError(`There is no ledger in ${data} yet: it begins with the first start of the gateway. Is this the right data directory? ("--data DIR")`);
}

const unreadable = (data: string, error: unknown): CommandError => new CommandError(`The ledger in ${data} cannot be read: ${(error as Error).message}.`);

export async function verify(options: CommonOptions): Promise<void> {
  const data = dataDirOf(options);
  requireLedger(data);
  let result: VerifyResult;
  try {
    result = verifyLedger(join(data, LEDGER_FILE));
  } catch (error) {
    throw unreadable(data, error);
  }
  if (options.json === true) printJson(result);
  if (!result.ok) {
    const sound = result.records === 0 ? 'None before it is sound.' : `The ${counted(result.records, 'record')} before it ${result.records === 1 ? 'is' : 'are'} sound.`;
    throw new CommandError(options.json === true ? '' : `Record ${result.seq} of the ledger is wrong: ${result.reason}. ${sound}`);
  }
  if (options.json !== true) print(`The ledger is sound: ${counted(result.records, 'record')}. Head: record ${result.head.seq}, SHA-256 ${result.head.hash}`);
}
