/** A server over HTTP that hangs, drips, fails, talks nonsense, floods, and resets. */
import { newPlace } from '../test/faults/support.ts';
import { send } from '../test/support/http.ts';
import { errorIn, textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { createPromises, mib, ms, type FaultCase } from './case.ts';
import { keepNeighbourBusy } from './neighbour.ts';
import { forgetPeak, peakRssBytes, rssBytes } from './process-memory.ts';

const TIMEOUT_MS = 1000;
/** Over the 16 MiB that one answer may have: it is kept once as it comes in. */
const MOST_MORE_BYTES = 96 * 1024 * 1024;
const CALLS_EACH = 4;
const BACK_WITHIN_MS = 60_000;

const WAYS: Readonly<Record<string, readonly string[]>> = {
  hang: ['upstream_timeout'],
  drip: ['upstream_timeout'],
  garbage: ['upstream_error'],
  flood: ['result_too_large'],
  reset: ['upstream_lost'],
};

export const upstream: FaultCase = {
  name: 'upstream',
  requirements: ['FAULT-6'],
  fault: 'A server over HTTP hangs, drips its answer byte by byte, answers 5xx in a burst, answers what is no message, sends 1 GB, resets in the middle of an answer',
  promise: "Each of its calls ends with an error that says what happened, within its deadline; memory stays bounded; after 5 failures in a row calls are refused without asking it, and come through again by themselves once it answers; another server's calls notice nothing",
  method: `a server written for it; \`timeoutMs\` of ${TIMEOUT_MS}; ${CALLS_EACH} calls at once of each kind, a good one after each; then a burst of 503; 4 clients call another server all the time`,
  async run({ atEnd, place: options }) {
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const bad = await place.startServer([new URL('bad-upstream.ts', import.meta.url).pathname]);
    const gateway = await place.serve({ servers: { fine: await place.startRecorder(), bad: { url: bad, timeoutMs: TIMEOUT_MS } } });
    const client = gateway.client();
    const pid = gateway.child.pid as number;
    await until('both servers are there', async () => (await client.names()).length === 2);
    const act = (how: string) => client.call('bad__act', { how });
    const neighbour = keepNeighbourBusy(client, 'fine__record');
    const isBack = (): Promise<unknown> => until('it answers again', async () => textIn(await act('well')) === 'well', BACK_WITHIN_MS);
    for (let turn = 0; turn < 20; turn++) await act('well');

    const before = rssBytes(pid);
    forgetPeak(pid);
    const figures: string[] = [];
    for (const [how, expected] of Object.entries(WAYS)) {
      const sentAt = performance.now();
      const errors = (await Promise.all(Array.from({ length: CALLS_EACH }, () => act(how)))).map(errorIn);
      const tookMs = performance.now() - sentAt;
      const codes = new Set(errors.map(({ code }) => String(code)));
      promises.none(`${how}: ended otherwise than as ${expected.join(' or ')}`, [...codes].filter((code) => !expected.includes(code)));
      promises.keep(`${how}: its calls end within their deadline (${ms(tookMs)})`, tookMs < TIMEOUT_MS * 1.5);
      figures.push(`${how} \`${[...codes].join(', ')}\` after ${ms(tookMs)}`);
      await isBack();
    }
    const counts = async (): Promise<Record<string, number>> => JSON.parse((await send(new URL('/counts', bad).href, { method: 'GET' })).text) as Record<string, number>;
    const refusals = (await Promise.all(Array.from({ length: 50 }, () => act('fail')))).map(errorIn);
    const more = [];
    for (let turn = 0; turn < 50; turn++) more.push(errorIn(await act('fail')));
    const reached = (await counts())['fail'] ?? 0;
    const breaker = (await place.status()).servers.find(({ id }) => id === 'bad')?.breaker;
    promises.keep(`the breaker is open after a burst of 503 (it is ${breaker})`, breaker !== 'closed');
    promises.none('calls while it was open that were not refused as upstream_unavailable', more.filter(({ code }) => code !== 'upstream_unavailable'));
    promises.keep(`calls are refused without asking the server (${reached} of 100 reached it)`, reached <= 60);
    const openAt = performance.now();
    await isBack();
    const backMs = performance.now() - openAt;
    const peak = peakRssBytes(pid);
    promises.keep(`memory stays bounded: ${mib(before)} before, ${mib(peak)} at most`, peak - before < MOST_MORE_BYTES);
    const other = await neighbour.stop(promises);
    gateway.child.kill('SIGTERM');
    promises.keep('it ends with 0', (await gateway.ended) === 0);
    return {
      figure: `${figures.join(', ')}; 503: ${refusals.length + more.length} calls, ${reached} reached it, through again ${ms(backMs)} after it answered; RSS ${mib(before)} before, **${mib(peak)} at most** (${CALLS_EACH} times 1 GB was sent); ${other}`,
      broken: promises.broken,
    };
  },
};
