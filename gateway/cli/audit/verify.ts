/** `signalbox audit verify`: whether the ledger is what was written. It needs no gateway, and writes nothing. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { printable } from '../../../core/text.ts';
import { PUBLIC_KEY_FILE, publishedKey, splitNotes, verifyLedger, type GivenCheckpoint, type Verifier, type VerifyResult } from '../../../store/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { counted, print, printJson, tell } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { readText, verifierOf } from './key.ts';
import { ledgerIn, unreadable } from './open.ts';

export interface VerifyCommandOptions extends CommonOptions {
  readonly checkpoint?: readonly string[];
  readonly pub?: string;
}

/** Whose signatures count, and where that is known from. */
interface Key {
  readonly verifier: Verifier | undefined;
  readonly from: 'given' | 'beside' | 'none';
}

export async function verify(file: string | undefined, options: VerifyCommandOptions): Promise<void> {
  const path = file === undefined ? ledgerIn(dataDirOf(options)) : resolve(file);
  if (!existsSync(path)) throw new CommandError(`There is no ledger at ${path}.`, EXIT.usage);
  const key = keyFor(path, options.pub);
  const checkpoints = (options.checkpoint ?? []).flatMap(notesIn);
  let result: VerifyResult;
  try {
    result = verifyLedger(path, { checkpoints, verifier: key.verifier });
  } catch (error) {
    throw unreadable(path, error);
  }
  if (options.json === true) printJson({ ...result, key: { name: key.verifier?.name, from: key.from }, given: checkpoints.length });
  if (!result.ok) throw new CommandError(options.json === true ? '' : failure(result));
  if (options.json === true) return;
  describe(result, key);
  for (const caveat of caveats(result, key, checkpoints.length)) tell(caveat);
}

function keyFor(path: string, given: string | undefined): Key {
  if (given !== undefined) return { verifier: verifierOf(given), from: 'given' };
  const beside = publishedKey(dirname(path));
  return beside === undefined ? { verifier: undefined, from: 'none' } : { verifier: verifierOf(beside), from: 'beside' };
}

function notesIn(file: string): GivenCheckpoint[] {
  const { notes, strayLines } = splitNotes(readText(file, 'file of checkpoints'));
  if (notes.length === 0) throw new CommandError(`There is no checkpoint in ${printable(file)}.`, EXIT.usage);
  if (strayLines > 0) tell(`${counted(strayLines, 'line')} of ${printable(file)} ${strayLines === 1 ? 'is' : 'are'} part of no checkpoint and left out.`);
  return notes.map((note) => ({ note, from: file }));
}

type Sound = VerifyResult & { ok: true };

function failure({ seq, records, reason, checkpoint }: VerifyResult & { ok: false }): string {
  const sound = records === 0 ? 'None before it is sound.' : `The ${counted(records, 'record')} before it ${records === 1 ? 'is' : 'are'} sound.`;
  if (checkpoint === undefined) return printable(`Record ${seq} of the ledger is wrong: ${reason}. ${sound}`);
  return printable(`The checkpoint of ${checkpoint.size} records in ${checkpoint.from} is wrong: ${reason}. From record ${seq} on no other vouches for what the ledger holds.`);
}

function describe({ records, head, checkpoints, purged }: Sound, { verifier }: Key): void {
  print(`The ledger is sound: ${counted(records, 'record')}. Head: record ${head.seq}, SHA-256 ${head.hash}`);
  const rest = records - checkpoints.vouched;
  if (checkpoints.vouched > 0) {
    const signed = verifier === undefined ? 'whose signatures were not checked' : `signed by ${printable(verifier.name)}`;
    print(`Checkpoints: ${checkpoints.count}, ${signed}; the largest vouches for ${checkpoints.vouched === records ? 'all of it' : `the first ${counted(checkpoints.vouched, 'record')}, the chain alone for the ${counted(rest, 'record')} after that`}.`);
  }
  if (purged.records > 0) {
    print(`The text of ${counted(purged.records, 'record')} was purged; their hashes are in the chain and the tree.${purged.unsigned === true ? ' No checkpoint vouches yet for the records that say so.' : ''}`);
  }
}

/** What this verification cannot have seen. */
function caveats({ checkpoints }: Sound, { verifier, from }: Key, given: number): string[] {
  return [
    ...(checkpoints.vouched === 0 ? ['No checkpoint vouches for any of it: the chain shows changes, but not that all of it was written anew.'] : []),
    ...(verifier === undefined && checkpoints.count > 0 ? [`There is no ${PUBLIC_KEY_FILE} beside it, and no key was given (--pub): signatures were not checked.`] : []),
    ...(from === 'beside' ? [`The key was read from ${PUBLIC_KEY_FILE} beside the ledger: that proves nothing against who may write there. Give the one you noted elsewhere with --pub.`] : []),
    ...(given === 0 ? ['No checkpoints from elsewhere were given (--checkpoint): an old copy, or one whose last records were cut off with their checkpoints, looks like this too.'] : []),
  ];
}
