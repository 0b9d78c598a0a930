/** What one durable page costs on the disk under the data directory: the floor of every durable record. */
import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PAGE_BYTES = 4096;
/** TMPFS_MAGIC, statfs(2). */
const TMPFS = 0x01021994;

/** On a disk in memory, durability costs nothing and the bound on latency says nothing. */
export const isMemoryDisk = (folder: string): boolean => statfsSync(folder).type === TMPFS;

/** Overwrites one page and waits until it is durable, `count` times; microseconds of each wait. */
export function fdatasyncUs(folder: string, count: number): number[] {
  const file = openSync(join(folder, 'page'), 'w');
  try {
    writeSync(file, Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, 0);
    fdatasyncSync(file);
    const samples: number[] = [];
    for (let index = 1; index <= count; index += 1) {
      writeSync(file, Buffer.alloc(PAGE_BYTES, index), 0, PAGE_BYTES, 0);
      const startedAt = performance.now();
      fdatasyncSync(file);
      samples.push((performance.now() - startedAt) * 1000);
    }
    return samples;
  } finally {
    closeSync(file);
  }
}
