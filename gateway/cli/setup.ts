/** What every command needs first: the configuration that it is about, or words that say what is wrong with it. */
import { dirname, resolve } from 'node:path';
import type { SecretSource, Settings } from '../../core/settings.ts';
import { checkExpression } from '../../policies/index.ts';
import { createSecretSource, defaultConfigPath, formatProblems, loadConfig, parseConfig } from '../config/index.ts';
import { CommandError, EXIT } from './exit.ts';

export interface CommonOptions {
  /** `-c FILE` */
  readonly config?: string;
  /** `--data DIR` */
  readonly data?: string;
  readonly json?: boolean;
}

export interface Setup {
  readonly settings: Settings;
  readonly secrets: SecretSource;
  /** Absolute; absent where built-in defaults are used. */
  readonly path: string | undefined;
}

/**
 * Warnings are for those who start or check the gateway; said at each call they would only be noise.
 * @throws CommandError with every problem of the file
 */
export function readSetup(options: CommonOptions, onWarning?: (text: string) => void): Setup {
  const path = options.config ?? defaultConfigPath(process.cwd());
  const loaded = path === undefined ? parseConfig('{}', 'built-in defaults', { baseDir: process.cwd(), checkExpression }) : loadConfig(path, { checkExpression });
  for (const warning of loaded.warnings) onWarning?.(formatProblems([warning]));
  if (!loaded.ok) throw new CommandError(formatProblems(loaded.problems), EXIT.usage);
  const { source: _none, ...builtIn } = loaded.settings;
  return applyOptions(path === undefined ? builtIn : loaded.settings, path, options);
}

/** For commands that need nothing but the data directory: named on the command line, it needs no configuration. */
export const dataDirOf = (options: CommonOptions): string => (options.data === undefined ? readSetup(options).settings.data : resolve(options.data));

/** Command-line options go before the file. */
export function applyOptions(loaded: Settings, path: string | undefined, options: CommonOptions): Setup {
  const settings = options.data === undefined ? loaded : { ...loaded, data: resolve(options.data) };
  const baseDir = path === undefined ? process.cwd() : dirname(resolve(path));
  return { settings, secrets: createSecretSource({ env: process.env, baseDir }), path: path === undefined ? undefined : resolve(path) };
}
