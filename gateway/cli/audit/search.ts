/** `signalbox audit search` and `audit index`: questions to the ledger, with or without a gateway beside. */
import type { SearchEntry } from '../../../store/index.ts';
import type { FilterWords } from '../../audit/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { counted, duration, print, printJson, table, tell } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { filterOf, withIndex } from './indexed.ts';

export interface SearchOptions extends CommonOptions, FilterWords {
  readonly limit: number;
  readonly before?: number;
}

export interface IndexOptions extends CommonOptions {
  /** For a gateway that asks over the channel. */
  readonly answer?: boolean;
  /** With the least priority, giving way to calls. */
  readonly background?: boolean;
}

export async function search(options: SearchOptions): Promise<void> {
  const filter = filterOf(options);
  const { limit, before } = options;
  await withIndex(dataDirOf(options), (index) => {
    const page = index.search(filter, { limit, ...(before === undefined ? {} : { before }) });
    if (options.json === true) return printJson(page);
    if (page.entries.length === 0) return tell('Nothing fits.');
    print(table([['SEQ', 'TIME', 'CALLER', 'TOOL', 'DECISION', 'OUTCOME', 'TOOK', 'CALL'], ...page.entries.map(rowOf)]));
    if (page.next !== undefined) tell(`There is more: go on with --before ${page.next}.`);
  });
}

export async function bringUpToDate(options: IndexOptions): Promise<void> {
  const data = dataDirOf(options);
  const { answerQuestions, updateInBackground } = await import('../../audit/answering.ts');
  if (options.answer === true) {
    if (process.send === undefined) throw new CommandError('"--answer" is for a gateway that started this.', EXIT.usage);
    return answerQuestions(data);
  }
  if (options.background === true) {
    await updateInBackground(data);
    // The channel would keep it.
    if (process.connected) process.disconnect();
    return;
  }
  await withIndex(data, (_index, reader) => print(`The search index is up to date: ${counted(reader.tail(1)[0]?.seq ?? 0, 'record')}.`));
}

function rowOf(entry: SearchEntry): string[] {
  const { seq, caller, tool, name, decision, rule, durationMs, call } = entry;
  const decided = decision === undefined ? '' : `${decision}${rule === undefined ? '' : ` (${rule})`}`;
  return [String(seq), timeOf(entry.time), caller ?? '', tool ?? name ?? `(${entry.kind})`, decided, outcomeOf(entry), durationMs === undefined ? '' : duration(durationMs), call ?? ''];
}

function outcomeOf({ outcome, code, isError }: SearchEntry): string {
  if (outcome === 'completed' && isError === true) return 'completed, tool error';
  if (outcome === 'open') return 'under way';
  return [outcome, outcome === 'waiting' ? undefined : code].filter((word) => word !== undefined).join(' ');
}

export const timeOf = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
