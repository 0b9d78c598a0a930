/** The gateway killed with -9 while calls run, again and again on one data directory. */
import { until } from '../test/support/poll.ts';
import { startLoad } from '../test/faults/load.ts';
import { descendants, isAlive, newPlace, withHome } from '../test/faults/support.ts';
import { holdChain, holdToAccount } from './account.ts';
import { count, createPromises, spread, type FaultCase } from './case.ts';

const CLIENTS = 12;
const GONE_WITHIN_MS = 3000;
const LOAD_MS = { least: 50, most: 450 };

export const kill: FaultCase = {
  name: 'kill',
  requirements: ['FAULT-1'],
  fault: 'The gateway is killed with -9 in mid-call',
  promise:
    'What was executed has an intent; nothing is executed twice; what was answered has an intent with its one end, `outcome` or `unknown`; the chain verifies after each kill; no process is left; started again, it answers',
  method:
    '200 kills on one data directory, each 50 to 450 ms into the load of 12 clients, half of them 2026 and half 2025 sessions, calls to a stdio and an HTTP server in turn; started again at once; processes looked for as descendants and by the `HOME` they carry',
  async run({ atEnd, quick, place: options }) {
    const kills = quick ? 12 : 200;
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const config = { servers: { pipe: place.recorder, web: await place.startRecorder() } };
    const acknowledged: string[] = [];
    const failed: string[] = [];
    const startsMs: number[] = [];
    const gonesMs: number[] = [];
    let orphans = 0;
    let cutOff = 0;
    let gone: Promise<void> | undefined;

    for (let number = 0; number < kills; number++) {
      // At once, as a service manager does: what the one before left is still going then.
      const [gateway] = await Promise.all([place.serve(config), gone]);
      if (number > 0) startsMs.push(gateway.startMs);
      const client = gateway.client();
      await until('both servers are there', async () => (await client.names()).length === 2);
      const load = await startLoad(gateway, { name: String(number), clients: CLIENTS, tools: ['pipe__record', 'web__record'], answerAfterMs: 10 });
      // Not waiting for anything: the moment is what is tried.
      await new Promise((resolve) => setTimeout(resolve, LOAD_MS.least + Math.random() * (LOAD_MS.most - LOAD_MS.least)));
      const family = descendants(gateway.child.pid as number);
      promises.keep('the watcher, the server and its child ran before the kill', family.length >= 3);
      const killedAt = performance.now();
      gateway.child.kill('SIGKILL');
      await gateway.ended;
      const left = new Set([...family, ...withHome(place.home)]);
      gone = until('all processes are gone', () => ![...left].some(isAlive), GONE_WITHIN_MS).then(
        () => void gonesMs.push(performance.now() - killedAt),
        () => void (orphans += 1),
      );
      await load.stop();
      promises.none('calls that failed before a kill', load.failed);
      cutOff += load.broken.length;
      acknowledged.push(...load.acknowledged);
      failed.push(...load.failed.keys());
      holdChain(promises, place, ` after kill ${number + 1}`);
    }

    const [last] = await Promise.all([place.serve(config), gone]);
    startsMs.push(last.startMs);
    last.child.kill('SIGTERM');
    promises.keep('the last one ends with 0', (await last.ended) === 0);
    await until('nothing is left in the end', () => withHome(place.home).length === 0, GONE_WITHIN_MS).catch(() => (orphans += 1));
    promises.keep(`processes were left after ${orphans} kills`, orphans === 0);
    promises.keep('calls were under way at the kills', cutOff > 0 && acknowledged.length > 0);
    const account = holdToAccount(promises, place, { acknowledged, failed });
    return {
      figure: `${kills} kills: cut off ${count(cutOff)}, ${account}, **orphans ${orphans}**; processes gone after ${spread(gonesMs)}; answers again after ${spread(startsMs)}`,
      broken: promises.broken,
    };
  },
};
