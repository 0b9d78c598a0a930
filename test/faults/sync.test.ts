/** What only the kernel sees, by strace: when files are synced, and what a sync that fails or never returns leaves. */
import { afterAll, expect, test } from 'vitest';
import { order } from '../../faults/order.ts';
import { parseTrace, straceWith } from '../../faults/strace.ts';
import { killAtSync, syncFails } from '../../faults/sync.ts';
import { expectKept } from './kept.ts';

/** It is installed where that is allowed: on Debian, as root. */
function whyNot(): string | undefined {
  try {
    straceWith([], { isFast: true });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const problem = whyNot();
const skip = problem !== undefined;
afterAll(() => void (skip && console.warn(`Nothing was traced: ${problem}`)));

test('PRAGMA synchronous is FULL: no byte of a call leaves before the sync over its intent has returned, whatever else is under way [FAULT-5]', { skip }, () => expectKept(order));

test('killed exactly at a sync, wherever it stands, the gateway leaves a ledger that knows what was executed [FAULT-1]', { skip, timeout: 120_000 }, () => expectKept(killAtSync));

test('syncs that fail: calls are refused and none is made unrecorded, and calls go on by themselves [FAULT-2] [FAULT-5]', { skip }, () => expectKept(syncFails));

test('a trace is read with calls that are cut in two by those of other threads', () => {
  const calls = parseTrace(
    ['7 pwrite64(3</d/ledger.db-wal>, "a(b) = c", 8, 0) = 8', '7 fsync(3</d/ledger.db-wal> <unfinished ...>', '8 write(5<pipe:[1]>, "x", 1) = 1', '7 <... fsync resumed>) = 0', '8 +++ killed by SIGKILL +++'].join('\n'),
  );
  expect(calls.map(({ name, thread, file, result, from, to }) => [name, thread, file, result, from, to])).toEqual([
    ['pwrite64', '7', '/d/ledger.db-wal', '8', 0, 0],
    ['fsync', '7', '/d/ledger.db-wal', '0', 1, 3],
    ['write', '8', 'pipe:[1]', '1', 2, 2],
  ]);
});
