/** The ledger of a data directory for commands that read it, beside the gateway that writes it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerReader } from '../../../core/audit.ts';
import { createLedgerReader, LEDGER_FILE } from '../../../store/index.ts';
import { CommandError } from '../exit.ts';

/** @throws CommandError where there is none, or it cannot be read */
export function openReader(data: string): LedgerReader {
  const path = ledgerIn(data);
  try {
    return createLedgerReader(data);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The file. @throws CommandError where there is none */
export function ledgerIn(data: string): string {
  const path = join(data, LEDGER_FILE);
  if (!existsSync(path)) throw new CommandError(`There is no ledger in ${data} yet: it begins with the first start of the gateway. Is this the right data directory? ("--data DIR")`);
  return path;
}

export const unreadable = (path: string, error: unknown): CommandError => new CommandError(`The ledger ${path} cannot be read: ${(error as Error).message}.`);
