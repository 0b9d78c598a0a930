/** The gateway killed exactly at its Nth sync of a file, and syncs that fail: strace breaks the system call itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_FILE } from '../store/index.ts';
import { newPlace, type Place } from '../test/faults/support.ts';
import { startLoad } from '../test/faults/load.ts';
import { errorIn, textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { holdChain, holdToAccount } from './account.ts';
import { count, createPromises, ms, quantile, type FaultCase, type Promises, type Stage } from './case.ts';
import { straceWith } from './strace.ts';

/** SQLite calls the one or the other, by how it was built. */
const SYNCS = 'fsync,fdatasync';
const CLIENTS = 8;
const TOOLS = ['pipe__record', 'web__record'];

const breaking = (how: string): readonly string[] => straceWith(['-o', '/dev/null', '-e', `trace=${SYNCS}`, '-e', `inject=${SYNCS}:${how}`], { isFast: how.startsWith('error') });

async function serversOf(place: Place): Promise<object> {
  return { servers: { pipe: place.recorder, web: await place.startRecorder() } };
}

export const killAtSync: FaultCase = {
  name: 'kill-at-sync',
  requirements: ['FAULT-1'],
  fault: 'The gateway is killed with -9 exactly at its Nth `fsync`, N = 1 to 40',
  promise: 'As above, wherever it dies: while its databases are made, between the intent and its sync, between the outcome and its sync',
  method: '`strace -e inject=fsync,fdatasync:signal=KILL:when=N` on one data directory, 8 clients to both kinds of server; started again under the next N, and at last without',
  async run({ atEnd, quick, place: options }) {
    const tried = quick ? [16, 40] : Array.from({ length: 40 }, (_, index) => index + 1);
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const config = await serversOf(place);
    const acknowledged: string[] = [];
    const failed: string[] = [];
    let inStart = 0;
    for (const nth of tried) {
      const under = breaking(`signal=KILL:when=${nth}`);
      const gateway = await place.serve(config, { under }).catch(() => undefined);
      if (gateway === undefined) inStart += 1;
      else {
        const load = await startLoad(gateway, { name: `sync-${nth}`, clients: CLIENTS, tools: TOOLS, answerAfterMs: 5 }).catch(() => undefined);
        promises.keep(`it dies at sync ${nth}`, (await gateway.ended) === 'SIGKILL');
        await load?.stop();
        acknowledged.push(...(load?.acknowledged ?? []));
        failed.push(...[...(load?.failed ?? [])].flatMap(([id, code]) => (code === 'unavailable' || code === 'upstream_unavailable' ? [] : [id])));
      }
      if (existsSync(join(place.dataDir, LEDGER_FILE))) holdChain(promises, place, ` after the kill at sync ${nth}`);
    }
    const last = await place.serve(config);
    promises.keep('calls go on after the last', textIn(await callUntilThere(last.client().call, 'after')) === 'after');
    acknowledged.push('after');
    last.child.kill('SIGTERM');
    promises.keep('the last one ends with 0', (await last.ended) === 0);
    promises.keep('calls ran before some of the kills', acknowledged.length > 1 && inStart < tried.length);
    const account = holdToAccount(promises, place, { acknowledged, failed });
    return { figure: `${tried.length} kills, ${inStart} of them before it listened: ${account}`, broken: promises.broken };
  },
};

type Call = (name: string, args: object) => Promise<Parameters<typeof textIn>[0]>;

/** The ids of tries that are refused before the call is made are this one's as well. */
const callUntilThere = (call: Call, id: string): Promise<Parameters<typeof textIn>[0]> =>
  until('a call is answered', async () => {
    const message = await call('pipe__record', { id }).catch(() => undefined);
    return message !== undefined && textIn(message) === id ? message : undefined;
  });

export const syncFails: FaultCase = {
  name: 'sync-fails',
  requirements: ['FAULT-2', 'FAULT-5'],
  fault: '`fsync` fails with EIO, then with ENOSPC, for a while',
  promise: 'Calls whose intent cannot be made durable are refused as `ledger_unavailable` and not made; nothing is called unrecorded; calls go on by themselves when the disk is good again',
  method: '`strace -e inject=fsync,fdatasync:error=EIO:when=N..M` (and ENOSPC) on each thread, 3 and 20 syncs in a row from the 60th on, under the load of 8 clients to both kinds of server',
  async run(stage) {
    const promises = createPromises();
    const figures: string[] = [];
    const backMs: number[] = [];
    for (const error of stage.quick ? ['EIO'] : ['EIO', 'ENOSPC']) {
      for (const failures of stage.quick ? [5] : [3, 20]) figures.push(await oneFailing(stage, promises, error, failures, backMs));
    }
    return { figure: `${figures.join('; ')}; calls go on ${ms(quantile(backMs, 1))} at most after the first refusal`, broken: promises.broken };
  },
};

/** Past those of the start. */
const FIRST_FAILING = 60;

async function oneFailing({ atEnd, place: options }: Stage, promises: Promises, error: string, failures: number, backMs: number[]): Promise<string> {
  const place = newPlace({ ...options, atEnd });
  const under = breaking(`error=${error}:when=${FIRST_FAILING}..${FIRST_FAILING + failures - 1}`);
  const gateway = await place.serve(await serversOf(place), { under });
  const client = gateway.client();
  await until('both servers are there', async () => (await client.names()).length === 2);
  const load = await startLoad(gateway, { name: error, clients: CLIENTS, tools: TOOLS });
  await until('calls are refused', () => load.failed.size > 0, 30_000);
  const refusedAt = performance.now();
  const before = load.acknowledged.length;
  await until('calls go on by themselves', () => load.acknowledged.length > before + 20 && load.acknowledged.length > 100, 60_000);
  backMs.push(performance.now() - refusedAt);
  await load.stop();
  const probe = await client.call('pipe__record', { id: 'probe' });
  promises.keep(`${error}: a call is answered in the end, and not with ${JSON.stringify(errorIn(probe))}`, textIn(probe) === 'probe');
  process.kill((await place.status()).pid, 'SIGTERM');
  promises.keep(`${error}: it ends with 0`, (await gateway.ended) === 0);
  promises.none(`${error}: refused with another code`, new Set([...load.failed.values()].filter((code) => code !== 'ledger_unavailable')));
  promises.none(`${error}: connections that broke`, load.broken);
  holdToAccount(promises, place, { acknowledged: [...load.acknowledged, 'probe'], failed: load.failed.keys() });
  return `${error} ${failures} times: ${count(load.failed.size)} calls refused, **called unrecorded ${place.executed().filter((id) => load.failed.has(id)).length}**`;
}
