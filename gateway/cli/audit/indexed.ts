/** The index of a data directory, brought up to date for a command that asks it; says so where that takes a while. */
import type { LedgerReader } from '../../../core/audit.ts';
import type { SearchFilter, SearchIndex } from '../../../store/index.ts';
import { openSearch } from '../../../store/index.ts';
import { readFilter, type FilterWords } from '../../audit/index.ts';
import { keepHeapSmall } from '../../heap.ts';
import { CommandError, EXIT } from '../exit.ts';
import { tell } from '../print.ts';
import { openReader } from './open.ts';

const TELL_EVERY_MS = 1000;

/** @throws CommandError where there is no ledger, or the index cannot be kept beside it */
export async function withIndex<T>(data: string, use: (index: SearchIndex, reader: LedgerReader) => T | Promise<T>): Promise<T> {
  // A command that reads a large ledger is a guest beside the gateway.
  keepHeapSmall();
  const reader = openReader(data);
  try {
    const index = open(data);
    try {
      await upToDate(index, data);
      return await use(index, reader);
    } finally {
      index.close();
    }
  } finally {
    reader.close();
  }
}

function open(data: string): SearchIndex {
  try {
    return openSearch(data);
  } catch (error) {
    throw notKept(data, error);
  }
}

async function upToDate(index: SearchIndex, data: string): Promise<void> {
  let toldAt = performance.now();
  try {
    await index.update({
      onProgress({ reached, records }) {
        if (performance.now() - toldAt < TELL_EVERY_MS) return;
        toldAt = performance.now();
        tell(`Reading what is new in the ledger: ${reached} of ${records} records.`);
      },
    });
  } catch (error) {
    throw notKept(data, error);
  }
}

const notKept = (data: string, error: unknown): CommandError => new CommandError(`The search index (search.db) in ${data} cannot be kept: ${(error as Error).message}.`);

/** @throws CommandError in words where something else was expected */
export function filterOf(words: FilterWords): SearchFilter {
  const read = readFilter(words, Date.now());
  if (!read.ok) throw new CommandError(read.problem, EXIT.usage);
  return read.filter;
}
