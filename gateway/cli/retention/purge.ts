/** `signalbox retention purge`. */
import type { Purged } from '../../retention/index.ts';
import { counted, printJson, tell } from '../print.ts';
import type { CommonOptions } from '../setup.ts';
import { act } from './access.ts';

export interface PurgeOptions extends CommonOptions {
  readonly before?: number;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export async function purge(options: PurgeOptions): Promise<void> {
  const { before, reason, dryRun } = options;
  const purged = (await act(options, 'purge', { before, reason, dryRun })) as Purged;
  if (options.json === true) return printJson(purged);
  const when = `of before ${new Date(purged.beforeMs).toISOString()}`;
  const what = `${counted(purged.records, 'record')} ${when}`;
  if (purged.records === 0) tell(`No record ${when} has text that may go.`);
  else tell(dryRun === true ? `${what} would lose their text. Nothing was purged.` : `${what} lost their text; their hashes stay, and the ledger says so.`);
  if (purged.held > 0) tell(`${counted(purged.held, 'record')} as old as that ${purged.held === 1 ? 'is' : 'are'} kept by legal holds ("signalbox retention hold list").`);
  if (before !== undefined && purged.beforeMs < before) tell('Records of this month stay: budgets are counted from them.');
  if (!purged.isComplete) tell('The text may stand in the write-ahead log still, since another program reads the ledger. Purge again once it has ended.');
}
