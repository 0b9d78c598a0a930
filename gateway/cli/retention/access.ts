/**
 * An action of the retention desk: by the gateway that runs on the data directory; where none does, here, under its lock and
 * without starting any tool server.
 */
import { silentLog } from '../../../core/log.ts';
import type { Settings } from '../../../core/settings.ts';
import { createKnownSecrets } from '../../../policies/index.ts';
import { createLedger, openSecret } from '../../../store/index.ts';
import { createRegisterKeeper } from '../../register/index.ts';
import { createRetentionKeeper, RetentionRefused, runRetention } from '../../retention/index.ts';
import { withRunning } from '../access.ts';
import { withIndex } from '../audit/indexed.ts';
import { CommandError, EXIT } from '../exit.ts';
import { lockData, openingFault } from '../faults.ts';
import { readSetup, type CommonOptions } from '../setup.ts';

/** @throws CommandError in the desk's words where it is not taken */
export function act(options: CommonOptions, action: string, terms: object): Promise<object> {
  const { settings } = readSetup(options);
  return withRunning(settings.data, async (gateway) =>
    gateway === undefined ? await actHere(settings, action, terms) : ((await gateway.admin('POST', `/retention/${action}`, terms)) as object));
}

async function actHere(settings: Settings, action: string, terms: object): Promise<object> {
  const dataDir = settings.data;
  const lock = lockData(dataDir);
  if ('heldBy' in lock) throw new CommandError('A gateway is starting on this data directory just now. Try again.', EXIT.held);
  try {
    const secret = openSecret(dataDir);
    // What is recorded here is signed for as well.
    const register = createRegisterKeeper({ dataDir, secret, log: silentLog, settings: () => settings.audit.checkpoints, hook: () => undefined });
    const ledger = await createLedger({ dataDir, log: silentLog, checkpoints: register.checkpoints }).catch((error: unknown) => {
      throw openingFault(error, settings);
    });
    const keeper = createRetentionKeeper({ dataDir, ledger, secret, known: createKnownSecrets(), log: silentLog, settings: () => settings, updateIndex: () => withIndex(dataDir, () => {}) });
    try {
      return await runRetention(keeper.desk, action, terms);
    } catch (error) {
      throw error instanceof RetentionRefused ? new CommandError(error.message) : openingFault(error, settings);
    } finally {
      await keeper.close();
      await ledger.close();
      await register.close();
    }
  } finally {
    lock.release();
  }
}
