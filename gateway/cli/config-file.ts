/** Puts a configuration on the disk: a new one never over another, an old one only with a backup beside it. */
import { realpathSync, statSync, writeFileSync } from 'node:fs';
import { backUp, replaceFile } from '../clients/write.ts';
import { CommandError, EXIT } from './exit.ts';

/** @throws CommandError */
export function createConfig(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw notWritten(path, error);
  }
}

/** Returns where the old one is now. @throws CommandError */
export function replaceConfig(path: string, text: string): string {
  try {
    const real = realpathSync(path);
    const backup = backUp(real, new Date());
    replaceFile(real, text, statSync(real).mode & 0o7777, () => true);
    return backup;
  } catch (error) {
    throw notWritten(path, error);
  }
}

const notWritten = (path: string, error: unknown): CommandError =>
  new CommandError(`${path} cannot be written: ${(error as Error).message}.`, (error as NodeJS.ErrnoException).code === 'EEXIST' ? EXIT.usage : EXIT.failed);
