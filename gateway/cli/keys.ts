/**
 * `signalbox keys`: through the gateway that runs, so that it tells its ledger; where none does, straight on the store and
 * the ledger, under the lock. The text of a key goes to stdout once and is kept nowhere.
 */
import { existsSync } from 'node:fs';
import { silentLog } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import { printable } from '../../core/text.ts';
import { createKeyStore, createLedger, type CallerKey, type KeyStore } from '../../store/index.ts';
import { withRunning, type RunningGateway } from './access.ts';
import { CommandError, EXIT } from './exit.ts';
import { dataFault, lockData, openingFault } from './faults.ts';
import { print, printJson, table, tell } from './print.ts';
import { readSetup, type CommonOptions } from './setup.ts';
import { unknownCaller } from './unknown.ts';

export async function createKey(caller: string, options: CommonOptions): Promise<void> {
  const { settings } = readSetup(options);
  if (!settings.callers.some(({ id }) => id === caller)) throw unknownCaller(caller, settings);
  const made = await withRunning(settings.data, async (gateway) => {
    if (gateway !== undefined) return (await gateway.admin('POST', '/keys', { caller })) as { id: string; key: string };
    return changeOffline(settings, (keys) => {
      const key = keys.create(caller);
      return { answer: key, fact: { action: 'create', key: key.id, caller }, undo: () => void keys.revoke(key.id) };
    });
  });
  if (options.json === true) return printJson({ ...made, caller });
  tell(`Key ${made.id} for caller "${caller}". It is shown this once; send it as "Authorization: Bearer KEY".`);
  print(made.key);
}

export async function listKeys(options: CommonOptions): Promise<void> {
  const { settings } = readSetup(options);
  const keys = await withRunning(settings.data, (gateway) => allKeys(gateway, settings));
  if (options.json === true) return printJson({ keys });
  if (keys.length === 0) return tell('There are no keys in the store. Make one with "signalbox keys create CALLER".');
  print(table([['KEY', 'CALLER', 'MADE', 'STATE'], ...keys.map((key) => [key.id, key.caller, day(key.createdAt), stateOf(key, settings)])]));
}

export async function revokeKey(id: string, options: CommonOptions): Promise<void> {
  const { settings } = readSetup(options);
  const known = await withRunning(settings.data, async (gateway) => {
    const key = revocable(id, await allKeys(gateway, settings));
    if (gateway !== undefined) await gateway.admin('DELETE', `/keys/${encodeURIComponent(id)}`);
    else await changeOffline(settings, (store) => ({ answer: store.revoke(id), fact: { action: 'revoke', key: id } }));
    return key;
  });
  if (options.json === true) return printJson({ revoked: true, id, caller: known.caller });
  tell(`Key ${id} of caller "${known.caller}" is worth nothing any more.`);
}

function revocable(id: string, keys: readonly CallerKey[]): CallerKey {
  const known = keys.find((key) => key.id === id);
  if (known === undefined) {
    // A key's text has no place on a command line, in an error, or in a shell's history.
    throw new CommandError(id.startsWith('sbx_') ? 'This looks like the text of a key; its id is needed, as "signalbox keys list" shows it.' : `There is no key "${printable(id)}". "signalbox keys list" shows them.`);
  }
  if (known.revokedAt !== undefined) throw new CommandError(`Key ${id} was revoked on ${day(known.revokedAt)} already.`);
  return known;
}

async function allKeys(gateway: RunningGateway | undefined, { data }: Settings): Promise<CallerKey[]> {
  return gateway === undefined ? readKeys(data) : ((await gateway.admin('GET', '/keys')) as { keys: CallerKey[] }).keys;
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ');

function stateOf({ caller, revokedAt }: CallerKey, { callers }: Settings): string {
  if (revokedAt !== undefined) return `revoked ${day(revokedAt)}`;
  return callers.some(({ id }) => id === caller) ? 'in force' : 'of no use: its caller is not configured';
}

function readKeys(data: string): CallerKey[] {
  if (!existsSync(data)) return [];
  const keys = openKeys(data);
  try {
    return keys.list();
  } finally {
    keys.close();
  }
}

function openKeys(data: string): KeyStore {
  try {
    return createKeyStore(data, { log: silentLog, pollMs: false });
  } catch (error) {
    throw dataFault(error, data);
  }
}

interface Change<T> {
  readonly answer: T;
  /** What the ledger is told. */
  readonly fact: object;
  /** Takes back what could not be recorded. A revocation stands in any case. */
  readonly undo?: () => void;
}

/** With the lock held there is no other writer of the ledger. */
async function changeOffline<T>(settings: Settings, change: (keys: KeyStore) => Change<T>): Promise<T> {
  const lock = lockData(settings.data);
  if ('heldBy' in lock) throw new CommandError('A gateway is starting on this data directory just now. Try again.', EXIT.held);
  try {
    const ledger = await createLedger({ dataDir: settings.data, log: silentLog }).catch((error: unknown) => {
      throw openingFault(error, settings);
    });
    const keys = openKeys(settings.data);
    try {
      const { answer, fact, undo } = change(keys);
      await ledger.write({ kind: 'keys', time: Date.now(), ...fact }).catch((error: unknown) => {
        undo?.();
        throw openingFault(error, settings);
      });
      return answer;
    } finally {
      keys.close();
      await ledger.close();
    }
  } finally {
    lock.release();
  }
}
