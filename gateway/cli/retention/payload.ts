/** `signalbox audit payload`: what `payloads: full` kept of a call, opened by the gateway, which records that it did. */
import { parseLossless } from '../../../core/json.ts';
import { printable, printableLines } from '../../../core/text.ts';
import type { ShownPayload } from '../../retention/index.ts';
import { withIndex } from '../audit/indexed.ts';
import { CommandError } from '../exit.ts';
import { print, printJson } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { act } from './access.ts';

export async function showPayload(what: string, options: CommonOptions): Promise<void> {
  const seqs = /^\d{1,15}$/.test(what) ? [Number(what)] : await recordsOfCall(what, options);
  const { payloads } = (await act(options, 'payload', { seqs })) as { payloads: ShownPayload[] };
  if (options.json === true) printJson(payloads);
  else for (const payload of payloads) describe(payload);
  if (payloads.every(({ state }) => state !== 'open')) throw new CommandError(options.json === true ? '' : 'Nothing of it can be read.');
}

async function recordsOfCall(call: string, options: CommonOptions): Promise<number[]> {
  const entries = await withIndex(dataDirOf(options), (index) => index.search({ call }, { limit: 10 }).entries);
  const seqs = entries.toReversed().flatMap(({ seq, end }) => [seq, ...(end === undefined || end === seq ? [] : [end])]);
  if (seqs.length === 0) throw new CommandError(`There is no call "${printable(call.slice(0, 100))}" in the ledger. "signalbox audit search" lists them.`);
  return seqs;
}

function describe({ seq, kind, call, tenant, state, text, of }: ShownPayload): void {
  print(printable(`record ${seq}, ${kind}${call === '' ? '' : ` of call ${call}`}${tenant === undefined ? '' : `, tenant ${tenant}`}: ${IN_WORDS[state]}${of === undefined || state !== 'open' ? '' : `, the first ${Buffer.byteLength(text ?? '')} of ${of} bytes`}`));
  if (text !== undefined) print(printableLines(of === undefined ? JSON.stringify(parseLossless(text), null, 2) : text));
}

const IN_WORDS: Readonly<Record<ShownPayload['state'], string>> = {
  open: 'as it was',
  erased: 'erased: the key that it was encrypted under is destroyed',
  none: 'it has no payload',
  lost: 'it could not be encrypted then, and was not kept',
};
