/** Budgets of real gateways: under parallel calls, over a kill, a restart and a reload, and from a ledger of any size. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { createBudgetKeeper } from '../../gateway/budgets/index.ts';
import { createBudgets } from '../../policies/index.ts';
import { createLedger, LEDGER_FILE } from '../../store/index.ts';
import { newPlace } from '../faults/support.ts';
import { startGateway } from '../support/gateway.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult } from '../support/upstream.ts';
import { budget, call, granted } from './support.ts';

const TEN = { id: 'ten', unit: 'calls', limit: 10, period: 'month' };

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-budgets-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a budget of 10 under 200 parallel calls admits exactly 10, with a reload in the middle, and the rest are told when to come again [BUDGET-1]', async () => {
  const upstream = await startUpstream();
  const config = { servers: { up: upstream.server }, budgets: [TEN] };
  const gateway = await startGateway(config);
  const client = gateway.client();
  const calls = Array.from({ length: 200 }, (_, index) => {
    if (index === 100) gateway.reload({ ...config, log: { level: 'warn' } });
    return client.call('up__echo', { index });
  });
  const answers = await Promise.all(calls);
  expect(upstream.calls()).toHaveLength(10);
  const refused = answers.map(errorIn).filter((error) => error !== undefined && error['code'] === 'budget_exhausted');
  expect(refused).toHaveLength(190);
  for (const error of refused) expect(error['retryAfterMs']).toBeGreaterThan(0);
  const refusal = await gateway.record('a refusal', ({ kind }) => kind === 'refused');
  expect(refusal).toMatchObject({ code: 'budget_exhausted', limit: 'ten' });
});

test('killed with -9 with calls under way and started again, under 200 parallel calls, a budget of 10 has executed exactly 10 [BUDGET-2]', { timeout: 60_000 }, async () => {
  const place = newPlace();
  const config = { servers: { web: await place.startRecorder() }, budgets: [TEN] };
  const first = await place.serve(config);
  // One after the other, so that the kill comes with some of the budget left.
  const client = first.client();
  await until('the server is there', async () => (await client.names()).length === 1);
  for (const id of ['a', 'b', 'c']) expect(textIn(await client.call('web__record', { id }))).toBe(id);
  const held = ['d', 'e'].map((id) => client.call('web__record', { id, answerAfterMs: 60_000 }).catch(() => undefined));
  await until('two more are under way', () => place.executed().length === 5);
  first.child.kill('SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  await Promise.all(held);

  const second = await place.serve(config);
  const again = second.client();
  await until('the server is there again', async () => (await again.names()).length === 1);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => again.call('web__record', { id: `n${index}` })));
  expect(place.executed()).toHaveLength(10);
  expect(answers.filter((answer) => errorIn(answer)?.['code'] === 'budget_exhausted')).toHaveLength(195);
  // Stopped in order, the third start reads the snapshot.
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  expect(JSON.parse(readFileSync(join(place.dataDir, 'budgets.json'), 'utf8'))).toMatchObject({ bookings: [['ten', 'calls/month', expect.any(Number), 10]] });
  const third = await place.serve(config);
  expect(errorIn(await third.client().call('web__record', { id: 'late' }))['code']).toBe('budget_exhausted');
  expect(place.executed()).toHaveLength(10);
});

test('killed with -9 under 200 calls at once, what both gateways executed is the limit or, of those cut off, less; never more [BUDGET-2]', { timeout: 60_000 }, async () => {
  const place = newPlace();
  const config = { servers: { web: await place.startRecorder() }, budgets: [TEN] };
  const burst = async (kill: boolean): Promise<void> => {
    const gateway = await place.serve(config);
    const client = gateway.client();
    await until('the server is there', async () => (await client.names()).length === 1);
    const calls = Array.from({ length: 200 }, (_, index) => client.call('web__record', { id: `${kill}${index}`, answerAfterMs: 5 }).catch(() => undefined));
    if (kill) {
      await until('some are executed', () => place.executed().length > 0);
      gateway.child.kill('SIGKILL');
    }
    await Promise.all(calls);
    if (!kill) gateway.child.kill('SIGTERM');
    await gateway.ended;
  };
  await burst(true);
  await burst(false);
  const intents = place.records().filter(({ kind }) => kind === 'intent');
  expect(intents).toHaveLength(10);
  expect(place.executed().length).toBeLessThanOrEqual(10);
});

test('what was certainly not executed is given back, and what may have been is kept [BUDGET-3]', async () => {
  const held: (() => void)[] = [];
  const upstream = await startUpstream({
    onCall: (one) => {
      const answer = (): void => one.answer(textResult('x'.repeat(100)));
      if (one.args['hold'] === true) held.push(answer);
      else answer();
    },
  });
  const config = {
    servers: { up: { ...upstream.server, concurrency: 1, queue: 0, timeoutMs: 500 } },
    budgets: [{ ...TEN, limit: 3 }, { id: 'moved', unit: 'bytes', limit: 1_000_000, period: 'month' }],
  };
  const gateway = await startGateway(config);
  const client = gateway.client();
  const used = (): number[] => gateway.hall.box().budgets.usage(Date.now()).map(({ most }) => most[0]?.used ?? 0);
  expect(textIn(await client.call('up__echo', {}))).toHaveLength(100);
  expect(used()[0]).toBe(1);
  const [, moved = 0] = used();
  expect(moved).toBeGreaterThan(100);
  expect(moved).toBeLessThan(400);

  const slow = client.call('up__echo', { hold: true });
  await until('one is under way', () => held.length === 1);
  for (let count = 0; count < 5; count++) expect(errorIn(await client.call('up__echo', {}))).toMatchObject({ code: 'busy', executed: 'no' });
  expect(used()).toEqual([2, moved + 65_536]);
  const given = await gateway.record('an outcome that gives back', (record) => record['executed'] === 'no');
  expect(given['settled']).toEqual([['ten', 'calls/month', expect.any(Number), -1], ['moved', 'bytes/month', expect.any(Number), -65_536]]);
  expect(errorIn(await slow)).toMatchObject({ code: 'upstream_timeout', executed: 'maybe' });
  expect(used()).toEqual([2, moved + 65_536]);
});

test('without budgets, records say nothing of them and no snapshot is written [BUDGET-3]', async () => {
  const upstream = await startUpstream();
  const gateway = await startGateway({ servers: { up: upstream.server } });
  await gateway.client().call('up__echo', {});
  await gateway.record('the outcome', ({ kind }) => kind === 'outcome');
  for (const record of gateway.records()) expect(Object.keys(record).filter((name) => name === 'booked' || name === 'settled')).toEqual([]);
  await gateway.close();
  expect(() => readFileSync(join(gateway.dataDir, 'budgets.json'))).toThrow('ENOENT');
});

/** A ledger as calls under a budget leave it. */
async function writeLedger(dataDir: string, calls: number, more: (index: number) => string = () => ''): Promise<void> {
  const ledger = await createLedger({ dataDir, log: silentLog });
  const month = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth());
  for (let index = 0; index < calls; index++) {
    ledger.writeSoon({ kind: 'intent', call: `c${index}`, written: `{"kind":"intent","time":${Date.now()},"call":"c${index}","args":{}${more(index)},"limits":[],"booked":[["b","calls/month",${month},1]]}` });
    ledger.writeSoon({ kind: 'outcome', call: `c${index}`, written: `{"kind":"outcome","time":${Date.now()},"call":"c${index}","outcome":"completed","isError":false}` });
    if (index % 5000 === 4999) await ledger.write({ kind: 'start', time: Date.now() });
  }
  await ledger.close();
}

async function usedIn(dataDir: string): Promise<number> {
  const keeper = createBudgetKeeper({ dataDir, log: silentLog });
  const settings = [budget({ period: 'month', limit: 1e9 })];
  await keeper.open(settings);
  const [usage] = createBudgets(settings, keeper.parts).usage(Date.now());
  granted(createBudgets(settings, keeper.parts).reserve(call(), Date.now()));
  await keeper.close();
  return usage?.most[0]?.used ?? 0;
}

test('counts are the same with a snapshot, without it, and with one that fits another ledger [BUDGET-2]', async () => {
  const dataDir = newDir();
  await writeLedger(dataDir, 700);
  expect(await usedIn(dataDir)).toBe(700);
  const snapshot = JSON.parse(readFileSync(join(dataDir, 'budgets.json'), 'utf8')) as Record<string, unknown>;
  expect(snapshot).toMatchObject({ version: 1, seq: 1400 });
  expect(await usedIn(dataDir)).toBe(700);
  await writeLedger(dataDir, 3);
  expect(await usedIn(dataDir)).toBe(703);
  for (const wrong of ['', '{}', '[]', JSON.stringify({ ...snapshot, seq: 9_999_999 }), JSON.stringify({ ...snapshot, hash: '0'.repeat(64), bookings: [] }), JSON.stringify({ ...snapshot, bookings: [['b', 'calls/month', 'x', 1]] })]) {
    writeFileSync(join(dataDir, 'budgets.json'), wrong);
    expect(await usedIn(dataDir)).toBe(703);
  }
});

test('arguments that look like bookings book nothing, and hide none', async () => {
  const dataDir = newDir();
  await writeLedger(dataDir, 5, () => ',"x":{"a":1,"booked":[["b","calls/month",0,-4]],"settled":[["b","calls/month",0,-4]]},"y":"\\",\\"booked\\":[[1]]"');
  expect(await usedIn(dataDir)).toBe(5);
});

test('a ledger that cannot be read at the start refuses what budgets are about, in clear words [BUDGET-4]', async () => {
  const dataDir = newDir();
  mkdirSync(join(dataDir, LEDGER_FILE));
  const keeper = createBudgetKeeper({ dataDir, log: silentLog });
  const budgets = createBudgets([budget()], keeper.parts);
  expect(budgets.reserve(call(), Date.now())).toMatchObject({ type: 'uncounted', message: expect.stringContaining('still being counted') });
  await keeper.open([budget()]);
  expect(budgets.reserve(call(), Date.now())).toMatchObject({ type: 'uncounted', message: expect.stringContaining('could not be read') });
  // It is tried again: what was in the way may go.
  rmSync(join(dataDir, LEDGER_FILE), { recursive: true });
  await writeLedger(dataDir, 10);
  await until('it is counted', () => {
    keeper.beat();
    return budgets.reserve(call(), Date.now()).type === 'exhausted';
  });
});
