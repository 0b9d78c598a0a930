/** The disk of the data directory full to the last byte while calls run, and with room again. Needs the right to mount a tmpfs. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LEDGER_FILE, readGatewayInfo, verifyLedger } from '../../store/index.ts';
import { send } from '../support/http.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startLoad } from './load.ts';
import { accountOf, missingFrom, newPlace, repeated, type Serving } from './support.ts';

const DISK_BYTES = 16 * 1024 * 1024;
const AGAIN_WITHIN_MS = 5000;

function mountSmallDisk(): { readonly dir: string; unmount(): void } | { readonly problem: string } {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-disk-'));
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir], { encoding: 'utf8' });
  if (status === 0) {
    return {
      dir,
      unmount() {
        spawnSync('umount', [dir]);
        rmdirSync(dir);
      },
    };
  }
  rmdirSync(dir);
  return { problem: (error?.message ?? stderr).trim() };
}

/** Writes until nothing fits any more, down to the last page. */
function fill(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (const bytes of [1024 * 1024, 4096, 1]) {
      const chunk = Buffer.alloc(bytes);
      try {
        for (;;) writeSync(file, chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

interface Ledger {
  readonly ok: boolean;
  readonly problem?: string;
}

const disk = mountSmallDisk();
const skipped = 'problem' in disk;
if (skipped) console.warn(`A full disk was not tried: a tmpfs cannot be mounted here (${disk.problem}).`);

test('a full disk: calls are refused in clear words and none is made, lists and health go on; with room again calls go on by themselves [FAULT-2] [LEDGER-3]', { skip: skipped }, async () => {
  const { dir, unmount } = disk as Extract<typeof disk, { dir: string }>;
  onTestFinished(unmount);
  const place = newPlace(join(dir, 'data'));
  const gateway = await place.serve({ servers: { pipe: place.recorder, web: await place.startRecorder() } });
  const client = gateway.client();
  await until('both servers are there', async () => (await client.names()).length === 2);
  const ledger = (): Promise<Ledger> => ledgerStatus(gateway, place.dataDir);
  const filler = join(dir, 'filler');

  const load = await startLoad(gateway, { name: 'load', clients: 8, tools: ['pipe__record', 'web__record'] });
  await until('calls run', () => load.acknowledged.length > 100);
  fill(filler);
  await until('calls are refused', () => load.failed.size > 100);
  await load.stop();
  // The log's own file had room inside while it was written from its beginning again: none of that is left now.
  fill(filler);

  const executedBefore = place.executed().length;
  const refusals = await Promise.all(Array.from({ length: 50 }, (_, index) => client.call(index % 2 === 0 ? 'pipe__record' : 'web__record', { id: `full-${index}` })));
  for (const refusal of refusals) {
    expect(errorIn(refusal)).toMatchObject({ code: 'ledger_unavailable', retryable: true });
    expect(textIn(refusal)).toContain('The call was not made, because it could not be recorded.');
  }
  expect(place.executed()).toHaveLength(executedBefore);
  expect(await client.names()).toEqual(['pipe__record', 'web__record']);
  expect((await send(`${gateway.url}/healthz`, { method: 'GET' })).status).toBe(200);
  expect(await ledger()).toMatchObject({ ok: false, problem: expect.stringContaining('the disk is full') });
  expect((await send(`${gateway.url}/metrics`, { method: 'GET' })).text).toContain('signalbox_ledger_ok 0');
  expect((await send(`${gateway.url}/readyz`, { method: 'GET' })).status).toBe(503);

  rmSync(filler);
  const freedAt = performance.now();
  await until('the ledger is written again, without a call', async () => (await ledger()).ok, AGAIN_WITHIN_MS);
  const againMs = performance.now() - freedAt;
  expect(textIn(await client.call('pipe__record', { id: 'again-pipe' }))).toBe('again-pipe');
  expect(textIn(await client.call('web__record', { id: 'again-web' }))).toBe('again-web');

  gateway.child.kill('SIGTERM');
  expect(await gateway.ended).toBe(0);
  const executed = place.executed();
  const { intended, ends } = accountOf(place.records());
  console.log(`full disk: ${load.acknowledged.length} calls answered before, ${load.failed.size + refusals.length} refused and none of them made; written again ${Math.round(againMs)} ms after there was room`);
  expect(new Set(load.failed.values())).toEqual(new Set(['ledger_unavailable']));
  expect(executed.filter((id) => load.failed.has(id))).toEqual([]);
  expect([load.broken, missingFrom(intended, executed), missingFrom(executed, load.acknowledged), repeated(executed)]).toEqual([[], [], [], []]);
  expect(executed.filter((id) => ends.get(id)?.map(({ kind }) => kind).join() !== 'outcome'), 'what happened while the disk was full was kept').toEqual([]);
  expect(verifyLedger(join(place.dataDir, LEDGER_FILE))).toMatchObject({ ok: true });
});

async function ledgerStatus({ url }: Serving, dataDir: string): Promise<Ledger> {
  const authorization = `Bearer ${readGatewayInfo(dataDir)?.adminToken}`;
  return (JSON.parse((await send(`${url}/admin/status`, { method: 'GET', headers: { authorization } })).text) as { ledger: Ledger }).ledger;
}
