/** Room on the disk of the data directory. */
import { statfsSync } from 'node:fs';

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Below this a person should hear of it. */
export const LITTLE_SPACE_BYTES = 200 * 1024 * 1024;

/** @returns undefined where the system does not say */
export function freeSpace(dir: string): Space | undefined {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}

export const inUnits = (bytes: number): string => (bytes < 10 * 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MB` : `${Math.round(bytes / 2 ** 30)} GB`);
