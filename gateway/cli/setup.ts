/** What nearly every command needs first: the configuration that it is about, checked whole. */
import { resolve } from 'node:path';
import { checkExpression } from '../../policies/index.ts';
import { readConfig, type CommonOptions, type Setup } from './read-config.ts';

export { applyOptions, type CommonOptions, type Setup } from './read-config.ts';

/**
 * Warnings are for those who start or check the gateway; said at each call they would only be noise.
 * @throws CommandError with every problem of the file
 */
export const readSetup = (options: CommonOptions, onWarning?: (text: string) => void): Setup => readConfig(options, { onWarning, checkExpression });

/** For commands that need nothing but the data directory: named on the command line, it needs no configuration. */
export const dataDirOf = (options: CommonOptions): string => (options.data === undefined ? readSetup(options).settings.data : resolve(options.data));
