/** The public key beside the ledger, for who verifies a copy of the directory. It proves nothing against who may write there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replacePrivateFile } from '../files.ts';

export const PUBLIC_KEY_FILE = 'register.pub';

/** The key in a directory, unless there is none. */
export function publishedKey(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, PUBLIC_KEY_FILE), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function publishKey(dir: string, publicKey: string): void {
  if (publishedKey(dir) !== publicKey) replacePrivateFile(join(dir, PUBLIC_KEY_FILE), `${publicKey}\n`);
}
