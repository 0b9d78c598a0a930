/** `signalbox init`: a first configuration, with the servers of the IDEs on this machine in it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { printable } from '../../core/text.ts';
import { findClientConfigs, renderConfig, type NeededVariable } from '../clients/index.ts';
import { defaultConfigPath } from '../config/index.ts';
import { createConfig, replaceConfig } from './config-file.ts';
import { CommandError, EXIT } from './exit.ts';
import { gatherServers, type Gathered } from './gather.ts';
import { packageDir, thisMachine } from './machine.ts';
import { counted, print, printJson, table } from './print.ts';
import type { CommonOptions } from './setup.ts';

export interface InitOptions extends CommonOptions {
  readonly force?: boolean;
}

/** What the rendered configuration listens on. */
const NEW_ADDRESS = { host: '127.0.0.1', port: 7420 };

export async function init(options: InitOptions): Promise<void> {
  const path = resolve(options.config ?? 'signalbox.yaml');
  if (!/\.ya?ml$/i.test(path)) throw new CommandError(`"signalbox init" writes YAML: give the file a name that ends in .yaml.`, EXIT.usage);
  const existing = existsSync(path) ? path : options.config === undefined ? defaultConfigPath(process.cwd()) : undefined;
  if (existing !== undefined && options.force !== true) throw alreadyThere(existing);
  const machine = thisMachine();
  const sources = findClientConfigs(machine).map(({ client, path: file }) => ({ label: client.label, path: file }));
  const gathered = gatherServers({ sources, cwd: machine.cwd, us: NEW_ADDRESS, present: {} });
  const from = gathered.from.filter(({ ids }) => ids.length > 0);
  const text = renderConfig(gathered.servers, {
    from: from.map(({ label, path: file }) => `${label}: ${file}`),
    variables: gathered.variables.map(({ name }) => name),
    schema: join(packageDir(), 'schema', 'signalbox.schema.json'),
  });
  let backup: string | undefined;
  if (existsSync(path)) backup = replaceConfig(path, text);
  else createConfig(path, text);
  if (options.json === true) printJson({ path, ...(backup === undefined ? {} : { backup }), ...gathered, servers: Object.keys(gathered.servers) });
  else print(report(path, backup, gathered, sources.length));
}

const alreadyThere = (path: string): CommandError =>
  new CommandError(`${path} is there already, and stays as it is.\nAdd servers to it with "signalbox import FILE --write", or replace it with "signalbox init --force" (a backup is kept).`, EXIT.usage);

function report(path: string, backup: string | undefined, gathered: Gathered, filesFound: number): string {
  const ids = Object.keys(gathered.servers);
  const blocks = [
    [`Wrote ${path}${ids.length === 0 ? '.' : ` with ${counted(ids.length, 'server')}:`}`, ...gathered.from.filter((one) => one.ids.length > 0).map((one) => `  from ${one.label} (${one.path}): ${one.ids.join(', ')}`)],
    backup === undefined ? [] : [`The one that was there is now ${backup}`],
    ids.length > 0 ? [] : [filesFound === 0 ? 'No IDE configurations were found on this machine.' : 'The IDE configurations on this machine hold no servers to take over.', 'Add servers under "servers:"; the file shows how.'],
    notesOn(gathered),
    variablesToSet(gathered.variables),
    ['Next:', '  signalbox check                    is everything right?', '  signalbox serve                    start the gateway', '  signalbox connect claude-code      point an IDE at it (or cursor, vscode, windsurf, codex, claude-desktop)'],
  ];
  return blocks.filter((block) => block.length > 0).map((block) => block.map(printable).join('\n')).join('\n\n');
}

/** Also for `import`. */
export function notesOn({ already, notes, problems }: Pick<Gathered, 'already' | 'notes' | 'problems'>): string[] {
  const all = [...problems, ...notes, ...already];
  return all.length === 0 ? [] : ['Note:', ...all.map((note) => `  ${note}`)];
}

/** Also for `import`. */
export function variablesToSet(variables: readonly NeededVariable[]): string[] {
  if (variables.length === 0) return [];
  const rows = variables.map(({ name, server, member, inFile }) => [`  ${name}`, `${server}, ${member}`, inFile ? "its value stands in the IDE's file" : 'the IDE took its value from elsewhere']);
  return ['Set these environment variables before the start; no value was copied:', ...table(rows, Infinity).split('\n')];
}
