/** A command's own gateway, where none runs: for itself alone, and quiet. Loaded only then. */
import { silentLog, type Log } from '../../core/log.ts';
import { createKnownSecrets, createRedactor, type KnownSecrets } from '../../policies/index.ts';
import type { DataDirLock } from '../../store/index.ts';
import { openHall, type Hall } from '../hall.ts';
import { createLog } from '../log.ts';
import { openingFault } from './faults.ts';
import type { Setup } from './setup.ts';

/** @throws CommandError when it cannot be opened. The lock stays the caller's to release. */
export async function openOwn(setup: Setup, lock: DataDirLock): Promise<Hall> {
  // Any free port: nobody else is meant to find it, and a running gateway's port stays free for it.
  const settings = { ...setup.settings, listen: { ...setup.settings.listen, host: '127.0.0.1', port: 0 } };
  const known = createKnownSecrets();
  return await openHall({ ...setup, settings, lock, known, log: commandLog(setup, known), onDeserted: () => {} }).catch((error: unknown) => {
    throw openingFault(error, settings);
  });
}

/** A command's stderr is for its own words; the gateway in it speaks up only when something is wrong. */
function commandLog({ settings }: Setup, known: KnownSecrets): Log {
  if (settings.log.level === 'error') return silentLog;
  return createLog({ ...settings.log, level: 'error', redactText: createRedactor({ extraNames: settings.audit.redact, known }).redactText });
}
