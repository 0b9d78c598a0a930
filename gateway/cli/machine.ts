/** The machine that the command runs on, and this program on it: as IDE configurations need to know them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Machine } from '../clients/index.ts';

export const thisMachine = (): Machine => ({ home: homedir(), cwd: process.cwd(), platform: process.platform, env: process.env });

/** The folder of this package: sources and build lie at different depths in it. */
export function packageDir(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, 'bin', 'signalbox')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

export const ownBinary = (): string => join(packageDir(), 'bin', 'signalbox');
