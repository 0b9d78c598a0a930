/** The disk of the data directory full to the last byte while calls run, and with room again. Needs the right to mount a tmpfs. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '../test/support/http.ts';
import { errorIn, textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { startLoad } from '../test/faults/load.ts';
import { accountOf, newPlace } from '../test/faults/support.ts';
import { holdToAccount } from './account.ts';
import { createPromises, ms, spread, type FaultCase } from './case.ts';

const DISK_BYTES = 32 * 1024 * 1024;
const AGAIN_WITHIN_MS = 5000;

/** @returns what takes it away again @throws where it may not be mounted */
export function mountSmallDisk(dir: string): () => void {
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a tmpfs cannot be mounted here, which takes root or CAP_SYS_ADMIN: ${(error?.message ?? stderr).trim()}`);
  return () => void spawnSync('umount', [dir]);
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

export const disk: FaultCase = {
  name: 'disk',
  requirements: ['FAULT-2', 'LEDGER-3'],
  fault: 'The disk of the data directory is full to its last byte, and has room again',
  promise: 'Calls are refused with `ledger_unavailable` and none is made; lists and health go on; `status` and `/metrics` say why; ends of calls that did happen are kept; calls go on by themselves',
  method: 'the data directory on a tmpfs of 32 MiB, filled by another file under the load of 8 clients, then freed; five times on one directory',
  async run({ atEnd, quick, place: options }) {
    const promises = createPromises();
    const dir = mkdtempSync(join(tmpdir(), 'signalbox-disk-'));
    atEnd(async () => rmdirSync(dir));
    const unmount = mountSmallDisk(dir);
    atEnd(async () => unmount());
    const place = newPlace({ ...options, atEnd, data: join(dir, 'data') });
    const gateway = await place.serve({ servers: { pipe: place.recorder, web: await place.startRecorder() } });
    const client = gateway.client();
    await until('both servers are there', async () => (await client.names()).length === 2);
    const get = (path: string) => send(`${gateway.url}${path}`, { method: 'GET' });
    const filler = join(dir, 'filler');
    const acknowledged: string[] = [];
    const failed: string[] = [];
    const againMs: number[] = [];

    for (let time = 0; time < (quick ? 1 : 5); time++) {
      const load = await startLoad(gateway, { name: `load-${time}`, clients: 8, tools: ['pipe__record', 'web__record'] });
      await until('calls run', () => load.acknowledged.length > 100);
      fill(filler);
      await until('calls are refused', () => load.failed.size > 100);
      await load.stop();
      promises.none('refused with another code', new Set([...load.failed.values()].filter((code) => code !== 'ledger_unavailable')));
      promises.none('connections that broke', load.broken);
      acknowledged.push(...load.acknowledged);
      failed.push(...load.failed.keys());
      // The log's own file had room inside while it was written from its beginning again: none of that is left now.
      fill(filler);

      const ids = Array.from({ length: 50 }, (_, index) => `full-${time}-${index}`);
      const refusals = await Promise.all(ids.map((id, index) => client.call(index % 2 === 0 ? 'pipe__record' : 'web__record', { id })));
      failed.push(...ids);
      promises.none('not refused as ledger_unavailable, to be retried', refusals.map(errorIn).filter(({ code, retryable }) => code !== 'ledger_unavailable' || retryable !== true));
      promises.keep('refusals say why', refusals.every((one) => textIn(one).includes('The call was not made, because it could not be recorded.')));
      promises.keep('lists go on', (await client.names()).length === 2);
      promises.keep('health goes on', (await get('/healthz')).status === 200);
      promises.keep('readiness does not', (await get('/readyz')).status === 503);
      promises.keep('the metrics say so', (await get('/metrics')).text.includes('signalbox_ledger_ok 0'));
      const { ledger } = await place.status();
      promises.keep(`the status says why (${JSON.stringify(ledger)})`, !ledger.ok && ledger.problem?.includes('the disk is full') === true);

      rmSync(filler);
      const freedAt = performance.now();
      await until('the ledger is written again, without a call', async () => (await place.status()).ledger.ok, AGAIN_WITHIN_MS);
      againMs.push(performance.now() - freedAt);
      for (const tool of ['pipe__record', 'web__record']) {
        const id = `again-${time}-${tool}`;
        promises.keep(`${tool} works again`, textIn(await client.call(tool, { id })) === id);
        acknowledged.push(id);
      }
    }

    gateway.child.kill('SIGTERM');
    promises.keep('it ends with 0', (await gateway.ended) === 0);
    const account = holdToAccount(promises, place, { acknowledged, failed });
    const { ends } = accountOf(place.records());
    promises.none('what happened while the disk was full was not kept', place.executed().filter((id) => ends.get(id)?.map(({ kind }) => kind).join() !== 'outcome'));
    return { figure: `${account}; written again ${spread(againMs)} after there was room, without a call (tried every ${ms(1000)})`, broken: promises.broken };
  },
};
