/** The clock of the machine set a day forward and a day back while calls run. */
import { join } from 'node:path';
import { startLoad } from '../test/faults/load.ts';
import { newPlace } from '../test/faults/support.ts';
import { errorIn, textIn, type McpCaller } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { holdToAccount } from './account.ts';
import { count, createPromises, type FaultCase } from './case.ts';
import { createClock } from './faketime.ts';

const DAY_MS = 86_400_000;
const NEAR_MS = 60_000;
const ALLOWED = 3;
const SETTINGS: readonly (readonly [offset: string, ms: number])[] = [
  ['+1d', DAY_MS],
  ['+0', 0],
  ['-1d', -DAY_MS],
  ['+0', 0],
];

export const clock: FaultCase = {
  name: 'clock',
  requirements: ['FAULT-8'],
  fault: 'The clock jumps: a day forward and back again, a day back and forward again',
  promise: 'No call fails; a rate is not refilled by it, nor locked; a budget begins anew with a day that has not been before, and not by setting the clock back and forth; an approval that waits is over when its time is; a session stays; records keep their order and the chain verifies',
  method: `libfaketime around the gateway, set while 8 clients call; a tool with a rate of ${ALLOWED} an hour, one with a budget of ${ALLOWED} a day, one that asks`,
  async run({ atEnd, quick, place: options }) {
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const time = createClock({ file: join(place.home, 'clock') });
    const config = {
      servers: { pipe: place.recorder, web: await place.startRecorder(), rated: place.recorder, budgeted: place.recorder, asking: place.recorder },
      rules: [
        { id: 'ask', effect: 'ask', tools: ['asking/*'], approvers: ['operator'], expiresIn: '1h' },
        { id: 'all', effect: 'allow' },
      ],
      approvals: { wait: '1s' },
      limits: [{ id: 'rate', tools: ['rated/*'], rate: `${ALLOWED}/h` }],
      budgets: [{ id: 'day', tools: ['budgeted/*'], unit: 'calls', limit: ALLOWED, period: 'day' }],
    };
    const gateway = await place.serve(config, { env: time.env });
    const client = gateway.client();
    await until('all servers are there', async () => (await client.names()).length === 5);
    const session = await client.session();
    const load = await startLoad(gateway, { name: 'load', clients: 8, tools: ['pipe__record', 'web__record'] });
    const spent: string[] = [];
    const asOf = async (tool: string, name: string, calls: number): Promise<string[]> => {
      const { done, codes } = await callOften(client, tool, name, calls);
      spent.push(...done);
      return [`${done.length} allowed`, ...codes];
    };
    promises.keep('the rate holds', (await asOf('rated__record', 'rate-now', ALLOWED + 1))[0] === `${ALLOWED} allowed`);
    promises.keep('the budget holds', (await asOf('budgeted__record', 'day-now', ALLOWED + 1))[0] === `${ALLOWED} allowed`);
    if (!quick) await client.call('asking__record', { id: 'asked' });
    const isWaiting = async (): Promise<boolean> => (await place.status()).approvals.waiting > 0;
    promises.keep('an approval waits', quick || (await isWaiting()));

    let visits = 0;
    for (const [offset, offsetMs] of SETTINGS) {
      const before = load.acknowledged.length;
      time.set(offset);
      await until(`its clock is set by ${offset}`, async () => Math.abs((await place.status()).clockSetMs - offsetMs) < NEAR_MS);
      await until('calls go on', () => load.acknowledged.length > before + 50);
      promises.keep(`${offset}: the rate is neither refilled nor unlimited`, (await asOf('rated__record', `rate-${visits}`, 2))[0] === '0 allowed');
      const budgeted = (await asOf('budgeted__record', `day-${visits}`, ALLOWED + 1))[0];
      promises.keep(`${offset}: a new day's budget comes once, with the first day that is new (${budgeted})`, budgeted === `${visits === 0 ? ALLOWED : 0} allowed`);
      promises.keep(`${offset}: a session stays`, textIn(await session.call('pipe__record', { id: `session-${visits}` })) === `session-${visits}`);
      spent.push(`session-${visits}`);
      if (offset === '+1d' && !quick) await until('the approval is over', async () => !(await isWaiting()), 15_000);
      visits += 1;
    }
    await load.stop();
    gateway.child.kill('SIGTERM');
    promises.keep('it ends with 0', (await gateway.ended) === 0);
    promises.none('calls that failed', load.failed);
    promises.none('calls that broke', load.broken);
    const times = place.records().map((record) => Number(record['time']));
    promises.keep('records carry the times of all three days', Math.max(...times) - Math.min(...times) > 1.9 * DAY_MS);
    const account = holdToAccount(promises, place, { acknowledged: [...load.acknowledged, ...spent], failed: [] });
    return { figure: `set ${SETTINGS.length} times by a day; calls that failed ${load.failed.size + load.broken.length} of ${count(load.acknowledged.length)}; ${account}`, broken: promises.broken };
  },
};

/** One after the other. */
async function callOften(client: McpCaller, tool: string, name: string, calls: number): Promise<{ done: string[]; codes: string[] }> {
  const done: string[] = [];
  const codes: string[] = [];
  for (let turn = 0; turn < calls; turn++) {
    const id = `${name}-${turn}`;
    const message = await client.call(tool, { id });
    if (textIn(message) === id) done.push(id);
    else codes.push(String(errorIn(message)['code']));
  }
  return { done, codes };
}
