/** The configuration written broken, half, and fast in a row, under load. */
import { renameSync, writeFileSync } from 'node:fs';
import { startLoad } from '../test/faults/load.ts';
import { newPlace } from '../test/faults/support.ts';
import { textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { holdToAccount } from './account.ts';
import { count, createPromises, ms, type FaultCase } from './case.ts';

const CLIENTS = 8;
const PAUSE_MS = 60;
const TAKEN_WITHIN_MS = 5000;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

export const reload: FaultCase = {
  name: 'reload',
  requirements: ['FAULT-7', 'CONF-2'],
  fault: 'The configuration is written broken, half-written, and many times in a row',
  promise: 'Calls notice nothing; what is in force is always one whole configuration that was valid, and in the end the last of them',
  method: `100 changes ${ms(PAUSE_MS)} apart under the load of ${CLIENTS} clients: in turn valid (renamed into place), no JSON, valid JSON with a wrong value, half of a valid file and its rest ${ms(PAUSE_MS)} later, five valid ones without a pause; every third followed by SIGHUP, half-written ones too; a rule's reason names the version and is read all the time`,
  async run({ atEnd, quick, place: options }) {
    const changes = quick ? 15 : 100;
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const servers = { pipe: place.recorder, web: await place.startRecorder() };
    const version = (number: number): object => ({
      servers,
      rules: [
        { id: 'version', effect: 'deny', when: 'args.id == "which"', reason: `version ${number}.` },
        { id: 'all', effect: 'allow' },
      ],
    });
    const gateway = await place.serve(version(0));
    const client = gateway.client();
    await until('both servers are there', async () => (await client.names()).length === 2);
    const inForce = async (): Promise<number> => Number(/version (\d+)\./.exec(textIn(await client.call('pipe__record', { id: 'which' })))?.[1]);
    const replace = (text: string): void => {
      writeFileSync(`${place.configPath}.new`, text);
      renameSync(`${place.configPath}.new`, place.configPath);
    };

    const load = await startLoad(gateway, { name: 'load', clients: CLIENTS, tools: ['pipe__record', 'web__record'] });
    await until('calls run', () => load.acknowledged.length > 100);
    const seen = new Set<number>();
    let last = 0;
    for (let change = 0; change < changes; change++) {
      const good = place.configText(version(change));
      const way = change % 5;
      const hangUp = (): void => void (change % 3 === 0 && gateway.child.kill('SIGHUP'));
      if (way === 1) replace(good.slice(0, -20));
      else if (way === 2) replace(good.replace('"deny"', '"maybe"'));
      else if (way === 3) {
        writeFileSync(place.configPath, good.slice(0, good.length / 2));
        hangUp();
        await pause();
        writeFileSync(place.configPath, good);
      } else if (way === 4) for (let turn = 0; turn < 5; turn++) replace(good);
      else replace(good);
      if (way !== 1 && way !== 2) last = change;
      hangUp();
      await pause();
      seen.add(await inForce());
    }
    const writtenAt = performance.now();
    await until('the last good one is in force', async () => (await inForce()) === last, TAKEN_WITHIN_MS);
    const takenMs = performance.now() - writtenAt;
    await load.stop();
    gateway.child.kill('SIGTERM');
    promises.keep('it ends with 0', (await gateway.ended) === 0);
    promises.none('versions in force that were never whole and valid', [...seen].filter((number) => Number.isNaN(number) || number % 5 === 1 || number % 5 === 2));
    promises.keep('several were in force', seen.size > changes / 10);
    promises.none('calls that failed', load.failed);
    promises.none('calls that broke', load.broken);
    const reloads = place.records().filter(({ kind }) => kind === 'reload');
    const account = holdToAccount(promises, place, { acknowledged: load.acknowledged, failed: [] });
    return {
      figure: `${changes} changes: ${reloads.filter((record) => record['ok'] === true).length} taken on, ${reloads.filter((record) => record['ok'] !== true).length} refused; the last in force ${ms(takenMs)} after the last change; **calls that failed ${load.failed.size + load.broken.length}** of ${count(load.acknowledged.length)}; ${account}`,
      broken: promises.broken,
    };
  },
};
