/** Faults that are to be expected when a gateway is opened, in words and with a next step. Others pass through as they are. */
import type { Settings } from '../../core/settings.ts';
import { lockDataDir, type LockResult } from '../../store/index.ts';
import { CommandError, EXIT } from './exit.ts';

/** What `openHall` may throw. */
export function openingFault(error: unknown, { listen, data }: Settings): unknown {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new CommandError(`Port ${listen.port} on ${listen.host} is taken.\nStop what uses it, or choose another with "--port N" ("--port 0" takes a free one).`);
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return new CommandError(`Cannot listen on ${listen.host}:${listen.port}: ${message}.`);
  if (name === 'WideOpen') return new CommandError(`${message}.\nAdd "callers" to the configuration, or listen on 127.0.0.1.`, EXIT.usage);
  if (name === 'MissingSecret') return new CommandError(`A caller's key cannot be read: ${message}.`, EXIT.usage);
  if (name === 'LedgerUnavailable') return new CommandError(`The ledger in ${data} cannot be written: ${message}.`);
  return error;
}

/** @throws CommandError where the directory cannot be used at all */
export function lockData(dir: string): LockResult {
  try {
    return lockDataDir(dir);
  } catch (error) {
    throw dataFault(error, dir);
  }
}

/** What the store may throw over a data directory. */
export function dataFault(error: unknown, dir: string): CommandError {
  return new CommandError(`The data directory ${dir} cannot be used: ${(error as Error).message}.\nCorrect its permissions, or name another with "--data DIR".`);
}
