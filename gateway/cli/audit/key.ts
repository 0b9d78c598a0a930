/** `signalbox audit key`: the public key of a data directory. And keys as other commands are given them. */
import { readFileSync } from 'node:fs';
import { createSigner, createVerifier, openSecret, type Verifier } from '../../../store/index.ts';
import { signingSeed } from '../../register/index.ts';
import { CommandError, EXIT } from '../exit.ts';
import { print } from '../print.ts';
import { dataDirOf, type CommonOptions } from '../setup.ts';

/** Also before the first start: then the secret that it comes from is made now. */
export async function key(options: CommonOptions): Promise<void> {
  print(createSigner(signingSeed(openSecret(dataDirOf(options)))).publicKey);
}

/** @param given the key itself, or a file. @throws CommandError */
export function verifierOf(given: string): Verifier {
  const text = /^[^+\s]+\+[0-9a-f]{8}\+/.test(given) ? given : readText(given, 'public key');
  try {
    return createVerifier(text);
  } catch (error) {
    throw new CommandError(`This is no public key: ${(error as Error).message}.`, EXIT.usage);
  }
}

/** @throws CommandError */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`The ${what} cannot be read: ${(error as Error).message}.`, EXIT.usage);
  }
}
