/** Started twice, and with a server that is stuck for a while: what each promises to the calls around it. */
import { expect, onTestFinished, test } from 'vitest';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { isAlive, newPlace, withHome } from './support.ts';

test('a second gateway on the data directory is told who holds it, ends with 3, and the first goes on [LEDGER-5]', async () => {
  const place = newPlace();
  const config = { servers: { pipe: place.recorder } };
  const gateway = await place.serve(config);
  const second = place.start(config);
  expect(await second.ended).toBe(3);
  expect(second.err()).toContain(`The data directory ${place.dataDir} is in use by process ${gateway.child.pid} at ${gateway.url}.`);
  expect(second.err()).not.toMatch(/^\s+at /m);
  expect(second.out()).toBe('');
  expect(textIn(await gateway.client().call('pipe__record', { id: 'still' }))).toBe('still');
});

const STUCK_TIMEOUT_MS = 1000;

test('a server that is stuck: its calls end at their deadline, those of another are as quick as ever, and it works when it wakes up [FAULT-4]', async () => {
  const place = newPlace();
  const gateway = await place.serve({ servers: { fine: place.recorder, stuck: { ...place.recorder, timeoutMs: STUCK_TIMEOUT_MS } } });
  const client = gateway.client();
  await until('both servers are there', async () => (await client.names()).length === 2);
  const stuckPid = async (): Promise<number> => (await place.status()).servers.find(({ id }) => id === 'stuck')?.pid as number;
  const pid = await stuckPid();
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGCONT')));

  const began = performance.now();
  let stuckMs = 0;
  const stuck = Promise.all(['a', 'b', 'c'].map((id) => client.call('stuck__record', { id: `stuck-${id}` }))).finally(() => (stuckMs = performance.now() - began));
  const fineMs: number[] = [];
  while (stuckMs === 0) {
    const sentAt = performance.now();
    expect(textIn(await client.call('fine__record', { id: `fine-${fineMs.length}` }))).toBe(`fine-${fineMs.length}`);
    fineMs.push(performance.now() - sentAt);
  }
  for (const message of await stuck) expect(errorIn(message)).toMatchObject({ code: 'upstream_timeout', executed: 'maybe' });
  console.log(`stuck server: its 3 calls ended after ${Math.round(stuckMs)} ms of ${STUCK_TIMEOUT_MS}; meanwhile ${fineMs.length} calls of another, the slowest ${Math.round(Math.max(...fineMs))} ms`);
  expect(stuckMs).toBeGreaterThanOrEqual(STUCK_TIMEOUT_MS - 5);
  expect(stuckMs).toBeLessThan(STUCK_TIMEOUT_MS * 1.5);
  expect(fineMs.length).toBeGreaterThan(20);
  expect(Math.max(...fineMs)).toBeLessThan(STUCK_TIMEOUT_MS / 2);

  process.kill(pid, 'SIGCONT');
  await until('it works again', async () => textIn(await client.call('stuck__record', { id: `awake-${performance.now()}` })).startsWith('awake'));
  const again = await stuckPid();
  process.kill(again, 'SIGSTOP');
  gateway.child.kill('SIGTERM');
  expect(await gateway.ended).toBe(0);
  await until('nor does one that is stuck stay behind', () => withHome(place.home).length === 0, 3000);
});
