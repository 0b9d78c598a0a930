/** `signalbox audit verify`: whether the ledger is what was written. It needs no gateway, and writes nothing. */
import { verifyLedger, type VerifyResult } from '../../../store/index.ts';
import { CommandError } from '../exit.ts';
import { counted, print, printJson } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';
import { ledgerIn, unreadable } from './open.ts';

export async function verify(options: CommonOptions): Promise<void> {
  const path = ledgerIn(dataDirOf(options));
  let result: VerifyResult;
  try {
    result = verifyLedger(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (options.json === true) printJson(result);
  if (!result.ok) {
    const sound = result.records === 0 ? 'None before it is sound.' : `The ${counted(result.records, 'record')} before it ${result.records === 1 ? 'is' : 'are'} sound.`;
    throw new CommandError(options.json === true ? '' : `Record ${result.seq} of the ledger is wrong: ${result.reason}. ${sound}`);
  }
  if (options.json !== true) print(`The ledger is sound: ${counted(result.records, 'record')}. Head: record ${result.head.seq}, SHA-256 ${result.head.hash}`);
}
