/** SIGTERM under load, and the next gateway in its place: what clients see that try again what was refused. */
import { createServer, type AddressInfo } from 'node:net';
import { LEDGER_FILE } from '../store/index.ts';
import { descendants, isAlive, missingFrom, newPlace, repeated, accountOf, withHome, type Serving } from '../test/faults/support.ts';
import { send } from '../test/support/http.ts';
import { textIn, type McpCaller } from '../test/support/mcp.ts';
import { until } from '../test/support/poll.ts';
import { holdChain } from './account.ts';
import { count, createPromises, ms, spread, type FaultCase } from './case.ts';

const CLIENTS = 12;
const SHUTTING_DOWN = 1012;
const SLOW_MS = 1500;
const TRY_AGAIN_MS = 20;
const LONGEST_MS = 8000;

export const stop: FaultCase = {
  name: 'stop',
  requirements: ['FAULT-3'],
  fault: 'SIGTERM under load, and another gateway in its place',
  promise: 'Readiness goes with the first refusal, not after it; what was begun is answered and recorded; what comes later is refused with `shutting_down` or finds no connection, and can be tried again: every call of every client is answered in the end, and executed once; exit code 0; no process is left; the last record is `stop`',
  method: `five restarts on one data directory and port; ${CLIENTS} clients call on through all of them and try again what was refused; four calls that take ${ms(SLOW_MS)} under way at each SIGTERM, in both eras to both kinds of server; \`/readyz\` asked every 5 ms`,
  async run({ atEnd, quick, place: options }) {
    const promises = createPromises();
    const place = newPlace({ ...options, atEnd });
    const config = { listen: { port: await freePort() }, servers: { pipe: place.recorder, web: await place.startRecorder() } };
    const start = async (): Promise<Serving> => {
      const gateway = await place.serve(config);
      await until('both servers are there', async () => (await gateway.client().names()).length === 2);
      return gateway;
    };
    let gateway = await start();
    const clients = keepCalling(gateway.client());
    const stopsMs: number[] = [];
    for (let time = 0; time < (quick ? 1 : 5); time++) {
      const before = clients.answered.length;
      await until('calls run', () => clients.answered.length > before + 200);
      const client = gateway.client();
      const session = await client.session();
      const slow = ['pipe', 'web'].flatMap((server) => [client.call, session.call].map((call, index) => ({ id: `slow-${time}-${server}-${index}`, call, tool: `${server}__record` })));
      const answers = slow.map(({ id, call, tool }) => call(tool, { id, answerAfterMs: SLOW_MS }));
      await until('slow calls are under way', () => missingFrom(place.executed(), slow.map(({ id }) => id)).length === 0);
      const family = descendants(gateway.child.pid as number);
      const readiness = watchReadiness(gateway.url);
      await until('it says that it is ready', () => readiness.wasReady());
      clients.forgetRefusal();
      const toldAt = performance.now();
      gateway.child.kill('SIGTERM');
      promises.none('slow calls that were not answered', missingFrom((await Promise.all(answers)).map(textIn), slow.map(({ id }) => id)));
      clients.answered.push(...slow.map(({ id }) => id));
      promises.keep('exit code 0', (await gateway.ended) === 0);
      stopsMs.push(performance.now() - toldAt);
      const lateMs = readiness.stop() - clients.refusedAt();
      promises.keep(`readiness goes with the first refusal (${ms(lateMs)} after it)`, lateMs < 50);
      await until('no process is left', () => !family.some(isAlive) && withHome(place.home).length === 0, 3000);
      promises.keep('the last record is the stop', place.records().at(-1)?.kind === 'stop');
      gateway = await start();
    }
    await clients.stop();
    gateway.child.kill('SIGTERM');
    promises.keep('the last one ends with 0', (await gateway.ended) === 0);

    const executed = place.executed();
    const { intended, ends } = accountOf(place.records());
    const dropped = [...missingFrom(clients.answered, executed), ...clients.given.filter((id) => !new Set(clients.answered).has(id))];
    promises.none('dropped: executed or sent, and never answered', dropped);
    promises.none('executed twice', repeated(executed));
    promises.none('executed without an intent', missingFrom(intended, executed));
    promises.none('calls whose end is not recorded as completed', [...ends].filter(([, ended]) => ended.map(({ outcome }) => outcome).join() !== 'completed').map(([id]) => id));
    promises.keep(`it ends before the grace is over (${ms(Math.max(...stopsMs))})`, Math.max(...stopsMs) < LONGEST_MS);
    holdChain(promises, place, ` (${LEDGER_FILE})`);
    return {
      figure: `${count(clients.answered.length)} calls answered, ${count(clients.refused())} refusals tried again, of them ${clients.cutOff()} on connections that closed as they were used; **dropped ${dropped.length}, executed twice ${repeated(executed).length}**; ended ${spread(stopsMs)} after SIGTERM, slow calls and a stdio server that does not end by itself included`,
      broken: promises.broken,
    };
  },
};

/** Clients that give every call until it is answered. */
function keepCalling(client: McpCaller) {
  const answered: string[] = [];
  const given: string[] = [];
  let stopped = false;
  let refused = 0;
  let cutOff = 0;
  let firstRefusalAt = Number.POSITIVE_INFINITY;

  async function untilAnswered(number: number, id: string): Promise<void> {
    for (;;) {
      const message = await client.call(number % 2 === 0 ? 'pipe__record' : 'web__record', { id }).catch((error: NodeJS.ErrnoException) => error);
      if (!(message instanceof Error) && textIn(message) === id) return void answered.push(id);
      refused += 1;
      firstRefusalAt = Math.min(firstRefusalAt, performance.now());
      if (message instanceof Error && message.code !== 'ECONNREFUSED') cutOff += 1;
      // A server that is only just starting is a refusal as well.
      else if (!(message instanceof Error) && message.error?.code !== SHUTTING_DOWN && message.error?.code !== -32602 && !JSON.stringify(message).includes('unavailable')) throw new Error(`neither answered nor refused: ${JSON.stringify(message)}`);
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
  const ended = Promise.all(
    Array.from({ length: CLIENTS }, async (_, number) => {
      for (let turn = 0; !stopped; turn++) {
        const id = `call-${number}-${turn}`;
        given.push(id);
        await untilAnswered(number, id);
      }
    }),
  );
  ended.catch(() => {});
  return {
    answered,
    given,
    refused: () => refused,
    cutOff: () => cutOff,
    forgetRefusal: () => void (firstRefusalAt = Number.POSITIVE_INFINITY),
    refusedAt: () => firstRefusalAt,
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/** When `/readyz` first said no, or was no longer there to be asked. */
function watchReadiness(url: string) {
  let ready = false;
  let goneAt: number | undefined;
  const watch = async (): Promise<void> => {
    while (goneAt === undefined) {
      const isReady = await send(`${url}/readyz`, { method: 'GET' }).then(({ status }) => status === 200, () => false);
      if (isReady) ready = true;
      else if (ready) goneAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  void watch();
  return { wasReady: () => ready, stop: () => (goneAt ??= performance.now()) };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
