/**
 * `signalbox connect CLIENT`: the entry by which an IDE reaches this gateway, printed or merged into its file. It never
 * writes a key: the entry names an environment variable, or lets the IDE start `signalbox stdio`.
 */
import { resolve } from 'node:path';
import type { CallerSettings, Settings } from '../../core/settings.ts';
import { CLIENTS, clientById, connectEntry, mergeConnectEntry, type Client, type ConnectTarget } from '../clients/index.ts';
import { withRunning } from './access.ts';
import { CommandError, EXIT } from './exit.ts';
import { ownBinary, thisMachine } from './machine.ts';
import { print, printJson, tell } from './print.ts';
import { readSetup, type CommonOptions, type Setup } from './setup.ts';
import { refusedEntry, unknownCaller, unknownName } from './unknown.ts';

export interface ConnectOptions extends CommonOptions {
  readonly write?: boolean;
  readonly stdio?: boolean;
  readonly profile?: string;
  readonly as?: string;
}

export async function connect(clientId: string, options: ConnectOptions): Promise<void> {
  const client = clientById(clientId);
  if (client === undefined) throw new CommandError(unknownName('client', clientId, CLIENTS.map(({ id }) => id)), EXIT.usage);
  const setup = readSetup(options);
  const caller = callerFor(setup.settings, options);
  const target = await targetOf(setup, caller, options);
  // Claude Desktop's file knows processes only, whatever was asked for.
  const isStdio = options.stdio === true || client.id === 'claude-desktop';
  const location = client.locations(thisMachine())[0];
  if (location === undefined) throw new CommandError(`It is not known where ${client.label} keeps its servers on this system. This is the entry:\n${connectEntry(client, target)}`);
  const { path } = location;
  const next = isStdio ? [] : howToReach(setup, target, caller, client);
  if (options.write !== true) {
    const entry = connectEntry(client, target);
    if (options.json === true) return printJson({ client: client.id, path, entry: client.entry(target), key: client.key, next: [...next, client.afterwards] });
    tell(`For ${path}:`);
    print(entry.trimEnd());
    return sayNext(['"--write" merges it into that file, keeping a backup.', ...next, client.afterwards]);
  }
  const merged = mergeConnectEntry({ client, target, path });
  if (merged.type === 'refused') throw new CommandError(merged.problem);
  if (options.json === true) return printJson({ client: client.id, ...merged, next: [...next, client.afterwards] });
  print(merged.type === 'unchanged' ? `${path} has this entry already.` : `${client.label} is connected: ${path}`);
  if (merged.type === 'written' && merged.backup !== undefined) print(`The file as it was is now ${merged.backup}`);
  sayNext([...next, client.afterwards]);
}

const sayNext = (lines: readonly string[]): void => lines.forEach((line) => tell(line));

/** Whose key the client sends: the one named, or the only one there is. */
function callerFor(settings: Settings, { as, profile }: ConnectOptions): CallerSettings | undefined {
  const caller = as === undefined ? (settings.callers.length === 1 ? settings.callers[0] : undefined) : settings.callers.find(({ id }) => id === as);
  if (as !== undefined && caller === undefined) throw unknownCaller(as, settings);
  const isOpen = profile === undefined ? caller?.profiles === undefined : (caller?.profiles?.includes(profile) ?? true);
  const isThere = profile === undefined || settings.profiles.some(({ id }) => id === profile);
  if (!isOpen || !isThere) throw refusedEntry({ status: 404, message: '' }, { settings, as: caller?.id, profile });
  return caller;
}

async function targetOf(setup: Setup, caller: CallerSettings | undefined, options: ConnectOptions): Promise<ConnectTarget> {
  const { settings, path } = setup;
  const profile = options.profile === undefined ? '' : `/${encodeURIComponent(options.profile)}`;
  return {
    url: `${await addressOf(settings)}/mcp${profile}`,
    ...(settings.callers.length === 0 ? {} : { keyVariable: keyVariableOf(caller) }),
    // By full paths: an IDE does not have the PATH of a shell.
    stdioCommand: {
      command: process.execPath,
      args: [
        ownBinary(),
        'stdio',
        ...(path === undefined ? [] : ['-c', path]),
        ...(options.data === undefined ? [] : ['--data', resolve(options.data)]),
        ...(options.profile === undefined ? [] : ['--profile', options.profile]),
        ...(caller === undefined ? [] : ['--as', caller.id]),
      ],
    },
    ...(options.stdio === true ? { prefer: 'stdio' } : {}),
  };
}

/** Where the gateway answers, as long as that address lasts; else where it is configured to. */
async function addressOf({ data, listen }: Settings): Promise<string> {
  const running = await withRunning(data, async (gateway) => (gateway?.info.temporary === true ? undefined : gateway?.url));
  if (running !== undefined) return running;
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '[::1]' : listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `http://${host}:${listen.port}`;
}

const DEFAULT_KEY_VARIABLE = 'SIGNALBOX_KEY';

/** The variable that the configuration itself takes the caller's key from, so that there is one to set. */
const keyVariableOf = (caller: CallerSettings | undefined): string => /^\$\{env:(\w+)\}$/.exec(caller?.key ?? '')?.[1] ?? DEFAULT_KEY_VARIABLE;

function howToReach({ settings, path }: Setup, { url, keyVariable }: ConnectTarget, caller: CallerSettings | undefined, { label }: Client): string[] {
  if (new URL(url).port === '0') throw new CommandError('The configuration takes any free port, so there is no address to write down.\nSet "listen.port", start the gateway first, or use "--stdio".', EXIT.usage);
  const start = `The gateway must be running: signalbox serve${path === undefined ? '' : ` -c ${path}`}`;
  if (keyVariable === undefined) return [start];
  const key = caller?.key === undefined ? `a key from "signalbox keys create ${caller?.id ?? 'CALLER'}"` : `the key of "${caller.id}"`;
  const whose = caller === undefined && settings.callers.length > 1 ? ' ("--as CALLER" says whose)' : '';
  return [start, `Set ${keyVariable} to ${key}${whose} where ${label} is started.`];
}
