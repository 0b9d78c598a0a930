/** A stdio server's process killed, stopped, and in an endless loop. */
import { newPlace, type Place } from '../test/faults/support.ts';
import { errorIn, textIn, type McpCaller } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { createPromises, ms, spread, type FaultCase, type Promises } from './case.ts';
import { keepNeighbourBusy } from './neighbour.ts';

const TIMEOUT_MS = 500;
const BACK_WITHIN_MS = 20_000;
const WAYS = ['killed', 'stopped', 'looping'] as const;
type Way = (typeof WAYS)[number];

export const child: FaultCase = {
  name: 'child',
  requirements: ['FAULT-4'],
  fault: "A stdio server's process is killed with -9, stopped with SIGSTOP for good, or loops without an end",
  promise: "Its own calls fail, at once or at their deadline, with an error that says so; another server's calls are as quick as ever; it works again by itself: an ended process is started anew, and so is one that answers nothing any more",
  method: `\`timeoutMs\` of ${TIMEOUT_MS}; three calls under way when it happens, then one call after the other until one is answered; 4 clients call another stdio server all the time`,
  async run({ atEnd, quick, place: options }) {
    const promises = createPromises();
    const figures: string[] = [];
    for (const way of WAYS) {
      const backMs: number[] = [];
      const endedMs: number[] = [];
      const place = newPlace({ ...options, atEnd });
      const gateway = await place.serve({ servers: { fine: place.recorder, bad: { ...place.recorder, timeoutMs: TIMEOUT_MS } } });
      const client = gateway.client();
      await until('both servers are there', async () => (await client.names()).length === 2);
      const neighbour = keepNeighbourBusy(client, 'fine__record');
      for (let time = 0; time < (quick ? 1 : 3); time++) {
        endedMs.push(...(await breakOnce(promises, place, client, way, time)));
        const brokenAt = performance.now();
        await untilBack(client, `${way}-${time}`);
        backMs.push(performance.now() - brokenAt);
      }
      const other = await neighbour.stop(promises);
      gateway.child.kill('SIGTERM');
      promises.keep(`${way}: it ends with 0`, (await gateway.ended) === 0);
      figures.push(`${way}: its calls ended after ${spread(endedMs)}, works again after ${ms(Math.max(...backMs))} at most; ${other}`);
    }
    return { figure: figures.join('. '), broken: promises.broken };
  },
};

/** @returns how long each call took that was under way */
async function breakOnce(promises: Promises, place: Place, client: McpCaller, way: Way, time: number): Promise<number[]> {
  const { servers } = await place.status();
  const pid = servers.find(({ id }) => id === 'bad')?.pid as number;
  const ids = ['a', 'b', 'c'].map((name) => `${way}-${time}-${name}`);
  const tookMs: number[] = [];
  const answers = ids.map(async (id, index) => {
    const sentAt = performance.now();
    const message = await client.call('bad__record', way === 'looping' && index === 0 ? { id, loop: true } : { id, answerAfterMs: 10_000 });
    tookMs.push(performance.now() - sentAt);
    return errorIn(message);
  });
  // A loop lets nothing else begin.
  const begun = way === 'looping' ? ids.slice(0, 1) : ids;
  await until('the calls are under way', () => begun.every((id) => place.executed().includes(id)));
  if (way !== 'looping') process.kill(pid, way === 'killed' ? 'SIGKILL' : 'SIGSTOP');
  for (const error of await Promise.all(answers)) {
    const expected = way === 'killed' ? ['upstream_lost', 'upstream_unavailable'] : ['upstream_timeout'];
    promises.keep(`${way}: a call under way ends as ${expected.join(' or ')}, and not as ${JSON.stringify(error['code'])}`, expected.includes(String(error['code'])));
    promises.keep(`${way}: it is said that the call may have been executed`, error['executed'] === 'maybe');
  }
  promises.keep(`${way}: deadlines are kept (${ms(Math.max(...tookMs))})`, Math.max(...tookMs) < TIMEOUT_MS * 1.5);
  return tookMs;
}

const untilBack = (client: McpCaller, name: string): Promise<string> => {
  let tries = 0;
  return until('it works again', async () => {
    const id = `${name}-again-${tries++}`;
    return textIn(await client.call('bad__record', { id })) === id ? id : undefined;
  }, BACK_WITHIN_MS);
};
