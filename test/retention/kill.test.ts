/** kill -9 in the middle of a purge: what was said stays said, what is left verifies, and the next start finishes it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RETENTION_FILE } from '../../store/index.ts';
import { temporaryDir } from '../store/support.ts';
import { until } from '../support/poll.ts';
import { callsLeft, DAY_MS, keep, recordsOfKind, verified, wordsIn, writeCalls } from './support.ts';

const PURGER = new URL('./purger.ts', import.meta.url).pathname;
const CALLS = 2000;

async function killedWhen(dataDir: string, what: string, holds: () => boolean): Promise<void> {
  const child = spawn(process.execPath, [PURGER, dataDir], { stdio: 'inherit' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(what, holds);
  child.kill('SIGKILL');
  await ended;
}

test('wherever a purge is killed, the ledger verifies, and what is left goes after the next start [RETENTION-5]', async () => {
  const dataDir = temporaryDir();
  const time = Date.now() - 400 * DAY_MS;
  const first = await keep(dataDir, undefined);
  await writeCalls(first.ledger, Array.from({ length: CALLS }, (_, at) => ({ call: `old-${at}`, time })), 16);
  await writeCalls(first.ledger, [{ call: 'young', time: Date.now() }]);
  await first.close();
  const pending = (): boolean => existsSync(join(dataDir, RETENTION_FILE)) && readFileSync(join(dataDir, RETENTION_FILE), 'utf8').includes('"beforeMs"');
  const left = (): number => callsLeft(dataDir).length;

  await killedWhen(dataDir, 'the purge to begin', pending);
  expect(verified(dataDir).ok).toBe(true);
  for (const share of [0.9, 0.5]) {
    await killedWhen(dataDir, 'some of the text to go', () => left() < CALLS * share);
    expect(left()).toBeGreaterThan(1);
    expect(verified(dataDir)).toMatchObject({ ok: true });
    expect(pending()).toBe(true);
  }
  const said = recordsOfKind(dataDir, 'purge').length;
  expect(said).toBeGreaterThanOrEqual(2);

  // Retention is not configured any more: what was begun is finished all the same.
  const last = await keep(dataDir, undefined);
  last.keeper.beat();
  await until('the rest to go', () => !pending());
  expect([...wordsIn(dataDir)]).toEqual(['young']);
  expect(verified(dataDir)).toMatchObject({ ok: true, purged: { records: CALLS * 2 } });
  const before = recordsOfKind(dataDir, 'purge').length;
  last.keeper.beat();
  await last.close();
  expect(recordsOfKind(dataDir, 'purge')).toHaveLength(before);
});
