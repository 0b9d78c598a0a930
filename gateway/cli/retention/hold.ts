/** `signalbox retention hold`. */
import type { Hold } from '../../../store/index.ts';
import { inWords } from '../../retention/index.ts';
import { printable } from '../../../core/text.ts';
import { print, printJson, table, tell } from '../print.ts';
import type { CommonOptions } from '../setup.ts';
import { act } from './access.ts';

export interface HoldOptions extends CommonOptions {
  readonly tenant?: string;
  readonly caller?: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason: string;
}

export async function addHold(options: HoldOptions): Promise<void> {
  const { tenant, caller, from, to, reason } = options;
  const { hold } = (await act(options, 'hold', { tenant, caller, from, to, reason })) as { hold: Hold };
  if (options.json === true) return printJson(hold);
  tell(printable(`In force: ${inWords(hold)}. What it covers is neither purged nor erased.`));
  print(hold.id);
}

export async function listHolds(options: CommonOptions): Promise<void> {
  const { holds } = (await act(options, 'holds', {})) as { holds: Hold[] };
  if (options.json === true) return printJson({ holds });
  if (holds.length === 0) return tell('No legal hold is in force.');
  print(table([['HOLD', 'TENANT', 'CALLER', 'FROM', 'TO', 'SINCE', 'REASON'], ...holds.map(({ id, tenant, caller, fromMs, toMs, at, reason }) => [id, tenant ?? 'every', caller ?? 'every', day(fromMs), day(toMs), day(at), reason])]));
}

export async function releaseHold(id: string, options: HoldOptions): Promise<void> {
  const { hold } = (await act(options, 'release', { id, reason: options.reason })) as { hold: Hold };
  if (options.json === true) return printJson(hold);
  tell(printable(`Not in force any more: ${inWords(hold)}.`));
}

const day = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString().slice(0, 16).replace('T', ' '));
