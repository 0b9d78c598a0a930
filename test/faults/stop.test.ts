/** Told to stop under load, started twice, and with a server that is stuck: what each promises to the calls around it. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LEDGER_FILE, readGatewayInfo, verifyLedger } from '../../store/index.ts';
import { send } from '../support/http.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startLoad } from './load.ts';
import { accountOf, descendants, isAlive, missingFrom, newPlace, repeated, withHome, type Serving } from './support.ts';

test('SIGTERM under load: what was executed is answered and recorded, exit code 0, no process is left, the last record is the stop [FAULT-3]', async () => {
  const place = newPlace();
  const gateway = await place.serve({ servers: { pipe: place.recorder, web: await place.startRecorder() } });
  const client = gateway.client();
  await until('both servers are there', async () => (await client.names()).length === 2);
  const session = await client.session();
  const load = await startLoad(gateway, { name: 'load', clients: 12, tools: ['pipe__record', 'web__record'], answerAfterMs: 100 });
  await until('calls run', () => load.acknowledged.length > 200);
  const slow = ['pipe', 'web'].flatMap((server) => [client.call, session.call].map((call, index) => call(`${server}__record`, { id: `slow-${server}-${index}`, answerAfterMs: 1500 })));
  await until('slow calls are under way', () => place.executed().filter((id) => id.startsWith('slow')).length === slow.length);
  const family = descendants(gateway.child.pid as number);
  const toldAt = performance.now();
  gateway.child.kill('SIGTERM');
  expect((await Promise.all(slow)).map(textIn)).toEqual(['slow-pipe-0', 'slow-pipe-1', 'slow-web-0', 'slow-web-1']);
  expect(await gateway.ended).toBe(0);
  const stopMs = performance.now() - toldAt;
  expect(stopMs, 'clients that call on do not hold it up for the whole grace of 10 s').toBeLessThan(8000);
  await load.stop();
  await until('no process is left', () => !family.some(isAlive) && withHome(place.home).length === 0, 3000);

  const executed = place.executed().filter((id) => id.startsWith('load'));
  const records = place.records();
  const { intended, ends } = accountOf(records);
  console.log(`SIGTERM: ${load.acknowledged.length} calls answered, ${load.broken.length} clients turned away, ended after ${Math.round(stopMs)} ms with calls of 1500 ms under way`);
  expect([...load.failed].filter(([, code]) => code !== 1012), 'who was not answered was told "shutting_down"').toEqual([]);
  expect(executed.filter((id) => load.failed.has(id))).toEqual([]);
  expect(missingFrom(load.acknowledged, executed), 'all that was executed was answered').toEqual([]);
  expect(missingFrom(intended, executed)).toEqual([]);
  expect([...ends].filter(([, ended]) => ended.map(({ outcome }) => outcome).join() !== 'completed')).toEqual([]);
  expect(repeated(executed)).toEqual([]);
  expect(records.at(-1)).toMatchObject({ kind: 'stop' });
  expect(verifyLedger(join(place.dataDir, LEDGER_FILE))).toMatchObject({ ok: true });
});

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
  const pid = (await serverPids(gateway, place.dataDir)).get('stuck') as number;
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
  const again = (await serverPids(gateway, place.dataDir)).get('stuck') as number;
  process.kill(again, 'SIGSTOP');
  gateway.child.kill('SIGTERM');
  expect(await gateway.ended).toBe(0);
  await until('nor does one that is stuck stay behind', () => withHome(place.home).length === 0, 3000);
});

async function serverPids({ url }: Serving, dataDir: string): Promise<Map<string, number | undefined>> {
  const authorization = `Bearer ${readGatewayInfo(dataDir)?.adminToken}`;
  const { servers } = JSON.parse((await send(`${url}/admin/status`, { method: 'GET', headers: { authorization } })).text) as { servers: { id: string; pid?: number }[] };
  return new Map(servers.map(({ id, pid }) => [id, pid]));
}
