/** A full disk, as `npm run faults` tries it. Needs the right to mount a tmpfs. */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { disk, mountSmallDisk } from '../../faults/disk.ts';
import { expectKept } from './kept.ts';

function whyNot(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-disk-'));
  try {
    mountSmallDisk(dir)();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmdirSync(dir);
  }
}

const problem = whyNot();
if (problem !== undefined) console.warn(`A full disk was not tried: ${problem}`);

test('a full disk: calls are refused in clear words and none is made, lists and health go on; with room again calls go on by themselves [FAULT-2] [LEDGER-3]', { skip: problem !== undefined }, () => expectKept(disk));
