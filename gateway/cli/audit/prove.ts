/** `signalbox audit prove` and `check-proof`: a record shown to somebody who has nothing but the public key. */
import { writeFileSync } from 'node:fs';
import { printable } from '../../../core/text.ts';
import { checkConsistency, checkProof, CONSISTENCY_LINE, proveConsistency, proveRecord, Unprovable } from '../../../store/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { counted, print, printForeign, printJson, tell } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { readText, verifierOf } from './key.ts';
import { ledgerIn, unreadable } from './open.ts';

export interface ProveOptions extends CommonOptions {
  readonly from?: number;
  readonly to?: number;
  readonly out?: string;
}

export async function prove(seq: number | undefined, { from, to, out, ...options }: ProveOptions): Promise<void> {
  const isPair = seq === undefined && from !== undefined && to !== undefined && from <= to;
  if (!isPair && (seq === undefined || from !== undefined || to !== undefined)) {
    throw new CommandError('Say which: "audit prove SEQ" for a record, or "audit prove --from SIZE --to SIZE" for two checkpoints, the smaller one first.', EXIT.usage);
  }
  const path = ledgerIn(dataDirOf(options));
  let text: string;
  try {
    text = isPair ? proveConsistency(path, from, to) : proveRecord(path, seq as number);
  } catch (error) {
    throw error instanceof Unprovable ? new CommandError(error.message) : unreadable(path, error);
  }
  if (out === undefined) return void process.stdout.write(text);
  try {
    writeFileSync(out, text);
  } catch (error) {
    throw new CommandError(`The proof cannot be written: ${(error as Error).message}.`);
  }
  tell(`The proof is in ${printable(out)}. Who has the public key checks it with "signalbox audit check-proof".`);
}

export async function check(file: string, { pub, json }: { readonly pub: string; readonly json?: boolean }): Promise<void> {
  const verifier = verifierOf(pub);
  const text = readText(file, 'proof');
  const proves = text.startsWith(CONSISTENCY_LINE) ? checkConsistency(text, verifier) : checkProof(text, verifier);
  if (json === true) printJson(proves.ok ? { ...proves, ...('body' in proves ? { checkpoint: sizeOf(proves.checkpoint) } : { older: sizeOf(proves.older), newer: sizeOf(proves.newer) }) } : proves);
  if (!proves.ok) throw new CommandError(json === true ? '' : printable(`The proof does not hold: ${proves.reason}.`));
  if (json === true) return;
  const by = `signed by ${printable(verifier.name)}`;
  if (!('body' in proves)) return print(`The proof holds: the ${counted(proves.newer.size, 'record')} of the newer checkpoint begin with the ${proves.older.size} of the older one; both are ${by}.`);
  print(`The proof holds: record ${proves.seq} is among the ${counted(proves.checkpoint.size, 'record')} of a checkpoint ${by}. The record:`);
  printForeign(proves.body);
}

const sizeOf = ({ origin, size }: { readonly origin: string; readonly size: number }) => ({ origin, size });
