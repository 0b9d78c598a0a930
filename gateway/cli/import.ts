/** `signalbox import FILE`: the servers of one IDE file for the configuration, printed or put into it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Settings } from '../../core/settings.ts';
import { printable } from '../../core/text.ts';
import { checkExpression } from '../../policies/index.ts';
import { renderConfig } from '../clients/index.ts';
import { defaultConfigPath, formatProblems, loadConfig } from '../config/index.ts';
import { readConfigText } from '../config/load.ts';
import { addServers, serversIn, yamlOf } from './add-servers.ts';
import { createConfig, replaceConfig } from './config-file.ts';
import { CommandError, EXIT } from './exit.ts';
import { gatherServers, type Gathered } from './gather.ts';
import { notesOn, variablesToSet } from './init.ts';
import { thisMachine } from './machine.ts';
import { counted, print, printJson, tell } from './print.ts';
import type { CommonOptions } from './setup.ts';

export interface ImportOptions extends CommonOptions {
  readonly write?: boolean;
}

const DEFAULT_ADDRESS = { host: '127.0.0.1', port: 7420 };

export async function importFile(file: string, options: ImportOptions): Promise<void> {
  const target = resolve(options.config ?? defaultConfigPath(process.cwd()) ?? 'signalbox.yaml');
  const settings = existsSync(target) ? readTarget(target, options.write === true) : undefined;
  const gathered = gatherServers({
    sources: [{ label: file, path: resolve(file) }],
    cwd: thisMachine().cwd,
    us: settings?.listen ?? DEFAULT_ADDRESS,
    present: settings === undefined ? {} : serversIn(textOf(target), target),
  });
  const [problem] = gathered.problems;
  if (problem !== undefined) throw new CommandError(printable(problem));
  const ids = Object.keys(gathered.servers);
  const backup = options.write === true && ids.length > 0 ? write(target, settings !== undefined, gathered) : undefined;
  if (options.json === true) return printJson({ target, written: options.write === true && ids.length > 0, ...(backup === undefined ? {} : { backup }), ...gathered });
  for (const line of [...notesOn(gathered), ...variablesToSet(gathered.variables)]) tell(printable(line));
  if (ids.length === 0) {
    if (gathered.already.length === 0) throw new CommandError(`There are no servers to take over in ${printable(file)}.`);
    return tell('There is nothing to add.');
  }
  if (options.write !== true) {
    print(yamlOf({ servers: gathered.servers }).trimEnd());
    return tell(`\nThese are for ${target}; "--write" puts them there.`);
  }
  print(`Added ${counted(ids.length, 'server')} to ${target}: ${ids.join(', ')}.`);
  if (backup !== undefined) print(`The file as it was is now ${backup}`);
}

/** Only a configuration that is right is added to. */
function readTarget(target: string, isNeeded: boolean): Settings | undefined {
  const loaded = loadConfig(target, { checkExpression });
  if (loaded.ok) return loaded.settings;
  if (isNeeded) throw new CommandError(`${formatProblems(loaded.problems)}\nNothing was changed: correct the configuration first.`, EXIT.usage);
  return undefined;
}

function write(target: string, isThere: boolean, { servers, variables }: Gathered): string | undefined {
  if (!isThere) {
    createConfig(target, renderConfig(servers, { variables: variables.map(({ name }) => name) }));
    return undefined;
  }
  const added = addServers(textOf(target), target, servers);
  if (!added.ok) throw new CommandError(added.problem);
  return replaceConfig(target, added.text);
}

function textOf(target: string): string {
  const read = readConfigText(target);
  if (!read.ok) throw new CommandError(formatProblems(read.problems), EXIT.usage);
  return read.text;
}
