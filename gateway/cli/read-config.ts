/**
 * The configuration that a command is about, or words that say what is wrong with it. Conditions of rules are checked by
 * what the caller brings: whoever only passes messages on need not load their language.
 */
import { dirname, resolve } from 'node:path';
import type { SecretSource, Settings } from '../../core/settings.ts';
import { createSecretSource, defaultConfigPath, formatProblems, loadConfig, parseConfig, type CheckExpression } from '../config/index.ts';
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

export interface ReadOptions {
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly checkExpression?: CheckExpression;
}

/** @throws CommandError with every problem of the file */
export function readConfig(options: CommonOptions, { onWarning, ...checks }: ReadOptions = {}): Setup {
  const path = options.config ?? defaultConfigPath(process.cwd());
  const loaded = path === undefined ? parseConfig('{}', 'built-in defaults', { baseDir: process.cwd(), ...checks }) : loadConfig(path, checks);
  for (const warning of loaded.warnings) onWarning?.(formatProblems([warning]));
  if (!loaded.ok) throw new CommandError(formatProblems(loaded.problems), EXIT.usage);
  const { source: _none, ...builtIn } = loaded.settings;
  return applyOptions(path === undefined ? builtIn : loaded.settings, path, options);
}

/** Command-line options go before the file. */
export function applyOptions(loaded: Settings, path: string | undefined, options: CommonOptions): Setup {
  const settings = options.data === undefined ? loaded : { ...loaded, data: resolve(options.data) };
  const baseDir = path === undefined ? process.cwd() : dirname(resolve(path));
  return { settings, secrets: createSecretSource({ env: process.env, baseDir }), path: path === undefined ? undefined : resolve(path) };
}
