/** Ten thousand streams on which nothing happens, and ten thousand sessions that nobody comes back to. */
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { descendants, newPlace, type Serving } from '../test/faults/support.ts';
import { MODERN, META, textIn } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { count, createPromises, mib, type FaultCase, type Promises } from './case.ts';
import { createClock } from './faketime.ts';
import { descriptors, rssBytes } from './process-memory.ts';

const AT_ONCE = 100;
const BACK_SHARE = 1.1;
const SETTLE_WITHIN_MS = 60_000;
const ROUNDS = 3;
/** The gateway's own bound on sessions (`gateway/mcp/sessions.ts`). */
const MAX_SESSIONS = 10_000;

interface Holding {
  readonly rss: number;
  readonly fds: number;
}

const holding = (pid: number): Holding => ({ rss: rssBytes(pid), fds: descriptors(pid) });
const inWords = ({ rss, fds }: Holding): string => `${mib(rss)} and ${count(fds)} descriptors`;
const isBack = (now: Holding, before: Holding): boolean => now.rss <= before.rss * BACK_SHARE && now.fds <= before.fds * BACK_SHARE;

/** As much work as lets V8 and the allocator take what they keep anyway. */
async function warmUp(gateway: Serving): Promise<void> {
  const client = gateway.client();
  await until('the server is there', async () => (await client.names()).length === 1);
  await inTurns(2000, async (number) => void textIn(await client.call('pipe__record', { id: `warm-${number}` })));
}

/** Left alone: V8 gives memory back when little is going on. */
async function settled(gateway: Serving, before: Holding): Promise<Holding> {
  const pid = gateway.child.pid as number;
  await until('what was held is given back', () => isBack(holding(pid), before), SETTLE_WITHIN_MS).catch(() => {});
  return holding(pid);
}

async function inTurns(total: number, one: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, total) }, async () => { while (next < total) await one(next++); }));
}

/** Opened as it is; nothing is read of it but that it is there. */
function openIdle(url: string, method: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, agent: false, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) } }, (res) => {
      res.on('error', () => {});
      res.resume();
      if (res.statusCode === 200) resolve(res);
      else reject(new Error(`a stream is answered with ${res.statusCode}`));
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** @param sessions made with the first streams, and kept for those after them */
async function openStreams(gateway: Serving, total: number, sessions: Map<number, string>): Promise<IncomingMessage[]> {
  const client = gateway.client();
  const streams: IncomingMessage[] = [];
  const url = `${gateway.url}/mcp`;
  const events = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  await inTurns(total, async (number) => {
    if (number % 2 === 0) {
      const id = sessions.get(number) ?? (await client.session()).id;
      sessions.set(number, id);
      streams.push(await openIdle(url, 'GET', { accept: 'text/event-stream', 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }));
      return;
    }
    const meta = { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {}, [`${META}clientInfo`]: { name: 'idle', version: '1' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: number, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: meta } });
    streams.push(await openIdle(url, 'POST', { ...events, 'mcp-protocol-version': MODERN, 'mcp-method': 'subscriptions/listen' }, body));
  });
  return streams;
}

export const idleStreams: FaultCase = {
  name: 'idle-streams',
  requirements: ['FAULT-9'],
  fault: '10,000 streams are opened, nothing happens on them, and they are closed',
  promise: 'All are held; calls go on; descriptors come back to where they were, and memory to a plateau: within 10% of where it was before, from the second time on (what the first 10,000 made V8 and the allocator take stays with the process, for the next)',
  method: 'half GET streams of 2025 sessions of their own (the sessions stay), half 2026 `subscriptions/listen`, each on a connection of its own; RSS and descriptors from `/proc`, before (after 2,000 calls), with all of them open, and when they have been closed; three times',
  async run({ atEnd, quick, place: options }) {
    const total = quick ? 200 : 10_000;
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const gateway = await place.serve({ servers: { pipe: place.recorder } });
    const pid = gateway.child.pid as number;
    await warmUp(gateway);
    const cold = holding(pid);
    const figures = [`before the first ${inWords(cold)}`];
    const sessions = new Map<number, string>();
    let before: Holding | undefined;
    for (let round = 1; round <= ROUNDS; round++) {
      const streams = await openStreams(gateway, total, sessions);
      const during = holding(pid);
      promises.keep(`all are open (${streams.filter(({ destroyed }) => destroyed).length} are not)`, streams.every(({ destroyed }) => !destroyed) && during.fds >= total);
      const { subscriptions } = await place.status();
      promises.keep(`the gateway knows of ${subscriptions} subscriptions`, subscriptions === total / 2);
      promises.keep('calls go on', textIn(await gateway.client().call('pipe__record', { id: `during-${round}` })) === `during-${round}`);
      for (const stream of streams) stream.destroy();
      await until('it knows that they are gone', async () => (await place.status()).subscriptions === 0, SETTLE_WITHIN_MS);
      await until('descriptors are given back', () => holding(pid).fds <= cold.fds * BACK_SHARE, SETTLE_WITHIN_MS).catch(() => promises.keep('descriptors are given back', false));
      const after = before === undefined ? holding(pid) : await settled(gateway, before);
      // What the first ones made V8 and the allocator take, they keep for the next.
      if (before !== undefined) promises.keep(`round ${round}: back within 10% (${inWords(before)} before, ${inWords(after)} after)`, isBack(after, { rss: before.rss, fds: cold.fds }));
      before ??= after;
      figures.push(`${round}: open ${inWords(during)}, **closed ${inWords(after)}**`);
    }
    await end(gateway, promises);
    return { figure: `${count(total)} streams: ${figures.join('; ')}`, broken: promises.broken };
  },
};

const abandonSessions = (gateway: Serving, total: number): Promise<void> => inTurns(total, async () => void (await gateway.client().session()));

export const abandoned: FaultCase = {
  name: 'abandoned',
  requirements: ['FAULT-9'],
  fault: '10,000 sessions are opened and never heard of again; then 30,000',
  promise: 'They end when they have been idle for 30 minutes, and are bounded in number until then; memory, descriptors and children come back to within 10% of where they were',
  method: '`initialize` and nothing more; libfaketime lets 31 minutes pass; then 30,000 more, against the bound of 10,000',
  async run({ atEnd, quick, place: options }) {
    const total = quick ? 500 : MAX_SESSIONS;
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const time = createClock({ file: join(place.home, 'clock'), timePasses: true });
    const gateway = await place.serve({ servers: { pipe: place.recorder } }, { env: time.env });
    const pid = gateway.child.pid as number;
    await warmUp(gateway);
    const before = holding(pid);
    const childrenBefore = childrenOf(gateway);
    await abandonSessions(gateway, total);
    const during = holding(pid);
    const { sessions } = await place.status();
    promises.keep(`they are held (${sessions})`, sessions === total);
    time.set('+31m');
    // Kept connections are as old as sessions then, and one may be closed as it is used.
    await until('they have ended', async () => (await place.status().catch(() => undefined))?.sessions === 0, SETTLE_WITHIN_MS);
    const after = await settled(gateway, before);
    promises.keep(`back within 10% (${inWords(before)} before, ${inWords(after)} after)`, isBack(after, before));

    let bound = 'not tried';
    if (!quick) {
      await abandonSessions(gateway, MAX_SESSIONS);
      const full = holding(pid);
      await abandonSessions(gateway, 2 * MAX_SESSIONS);
      const most = (await place.status()).sessions;
      const overfull = await settled(gateway, full);
      promises.keep(`no more than ${count(MAX_SESSIONS)} are held (${most})`, most <= MAX_SESSIONS);
      promises.keep(`a plateau (${inWords(full)} with as many, ${inWords(overfull)} with thrice as many)`, isBack(overfull, full));
      bound = `${inWords(full)} with ${count(MAX_SESSIONS)}, ${inWords(overfull)} after ${count(3 * MAX_SESSIONS)}, of which ${count(most)} are held`;
    }
    const childrenAfter = childrenOf(gateway);
    promises.keep(`as many children as before (${childrenBefore}, ${childrenAfter})`, childrenAfter === childrenBefore);
    await end(gateway, promises);
    return { figure: `${count(total)} sessions: before ${inWords(before)}, open ${inWords(during)}, **ended ${inWords(after)}**, children ${childrenBefore} and ${childrenAfter}; the bound: ${bound}`, broken: promises.broken };
  },
};

const childrenOf = ({ child }: Serving): number => descendants(child.pid as number).length;

async function end(gateway: Serving, promises: Promises): Promise<void> {
  gateway.child.kill('SIGTERM');
  promises.keep('it ends with 0', (await gateway.ended) === 0);
}
