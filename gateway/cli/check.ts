/** `signalbox check`: the configuration, every mistake in it, and the secrets that it refers to and that are not there. */
import { checkExpression } from '../../policies/index.ts';
import type { Settings } from '../../core/settings.ts';
import { defaultConfigPath, formatProblem, formatProblems, loadConfig } from '../config/index.ts';
import { inFileOrder } from '../config/problem.ts';
import { CommandError, EXIT } from './exit.ts';
import { missingSecrets } from './missing-secrets.ts';
import { counted, print, printJson, tell } from './print.ts';
import type { CommonOptions } from './setup.ts';

export async function check(options: CommonOptions): Promise<void> {
  const path = options.config ?? defaultConfigPath(process.cwd());
  if (path === undefined) throw nothingToCheck(options.json === true);
  const loaded = loadConfig(path, { checkExpression });
  // What a reference leads to may still come: it is read when it is needed.
  const warnings = inFileOrder(loaded.ok ? [...loaded.warnings, ...missingSecrets(loaded.settings, path, process.env)] : loaded.warnings);
  if (options.json === true) {
    printJson({ ok: loaded.ok, problems: loaded.ok ? [] : loaded.problems, warnings });
    if (!loaded.ok) throw new CommandError('', EXIT.usage);
    return;
  }
  for (const warning of warnings) tell(`warning: ${formatProblem(warning)}`);
  if (!loaded.ok) throw new CommandError(`${formatProblems(loaded.problems)}\n${counted(loaded.problems.length, 'problem')} in ${path}`, EXIT.usage);
  print(`${path} is valid: ${contentOf(loaded.settings)}.`);
  if (loaded.settings.rules.every(({ mode }) => mode === 'shadow')) tell('note: there are no rules in force, so every tool is allowed to everybody who is let in.');
}

function nothingToCheck(asJson: boolean): CommandError {
  const message = 'there is no signalbox.yaml, signalbox.yml or signalbox.json here';
  const hint = 'Name a file with "-c FILE", or make one with "signalbox init".';
  if (asJson) printJson({ ok: false, problems: [{ file: 'signalbox.yaml', line: 1, column: 1, path: '', message, hint }], warnings: [] });
  return new CommandError(asJson ? '' : `${message.replace(/^t/, 'T')}.\n${hint}`, EXIT.usage);
}

export const contentOf = ({ servers, profiles, callers, rules, limits }: Settings): string =>
  [counted(servers.length, 'server'), counted(profiles.length, 'profile'), counted(callers.length, 'caller'), counted(rules.length, 'rule'), counted(limits.length, 'limit')].join(', ');
