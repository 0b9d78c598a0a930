/** What travels while a call runs: progress, cancellation, changed lists; and that no answer reaches another's client. */
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { META } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool, type UpstreamCall } from '../support/upstream.ts';

const stepper = ({ progress, progressToken, answer }: UpstreamCall): void => {
  if (progressToken !== undefined) for (const step of [1, 2, 3]) progress({ progress: step, total: 3, message: `step ${step}` });
  answer(textResult(progressToken === undefined ? 'no token' : 'done'));
};

for (const era of ['legacy', 'modern'] as const) {
  test(`progress of a ${era} upstream reaches clients of both eras with their own token, in order, before the answer [FACE-10]`, async () => {
    const up = await startUpstream({ era, onCall: stepper });
    const client = (await startGateway({ servers: { up: up.server } })).client();
    const session = await client.session();
    const params = { name: 'up__echo', arguments: {} };
    for (const progressToken of ['my-token', 7]) {
      const meta = { progressToken };
      for (const { messages } of [await client.modern('tools/call', params, { meta }), await session.request('tools/call', params, { meta })]) {
        expect(messages.slice(0, 3).map(({ method, params: sent }) => [method, sent])).toEqual([1, 2, 3].map((step) => ['notifications/progress', { progressToken, progress: step, total: 3, message: `step ${step}` }]));
        expect(messages).toHaveLength(4);
        expect(messages[3]?.result.content[0].text).toBe('done');
      }
    }
    const quiet = await client.modern('tools/call', params);
    expect([quiet.headers['content-type'], quiet.message.result.content[0].text]).toEqual(['application/json', 'no token']);
    const withoutStreams = await client.modern('tools/call', params, { meta: { progressToken: 1 }, headers: { accept: 'application/json' } });
    expect([withoutStreams.headers['content-type'], withoutStreams.messages.length]).toEqual(['application/json', 1]);
  });

  test(`a 2026 client that goes away cancels its call at a ${era} upstream, and that is recorded [FACE-11]`, async () => {
    const up = await startUpstream({ era, onCall: ({ progress }) => progress({ progress: 1 }) });
    const gateway = await startGateway({ servers: { up: up.server } });
    const stream = await gateway.client().openModern('tools/call', { name: 'up__echo', arguments: {} }, { meta: { progressToken: 1 } });
    await stream.next(({ method }) => method === 'notifications/progress');
    stream.leave();
    await until('the upstream was told', () => up.cancelled.includes('echo'));
    expect(await gateway.record('the end', ({ kind }) => kind === 'outcome')).toMatchObject({ outcome: 'failed', code: 'cancelled', executed: 'maybe' });
  });

  test(`notifications/cancelled of a 2025 session cancels its call at a ${era} upstream; the request gets no answer [FACE-11]`, async () => {
    const up = await startUpstream({ era, onCall: ({ progress }) => progress({ progress: 1 }) });
    const gateway = await startGateway({ servers: { up: up.server } });
    const session = await gateway.client().session();
    const stream = await session.open('tools/call', { name: 'up__echo', arguments: {} }, { id: 'c', meta: { progressToken: 1 } });
    await stream.next(({ method }) => method === 'notifications/progress');
    await session.notify('notifications/cancelled', { requestId: 'other' });
    expect(up.cancelled).toEqual([]);
    await session.notify('notifications/cancelled', { requestId: 'c', reason: 'enough' });
    await stream.ended;
    expect(stream.messages.filter(({ id }) => id !== undefined)).toEqual([]);
    await until('the upstream was told', () => up.cancelled.includes('echo'));
    expect(await gateway.record('the end', ({ kind }) => kind === 'outcome')).toMatchObject({ code: 'cancelled' });
  });
}

test('a broken connection is no cancellation in a 2025 session: the call runs to its end [FACE-11]', async () => {
  const held: UpstreamCall[] = [];
  const up = await startUpstream({ onCall: (call) => { call.progress({ progress: 1 }); held.push(call); } });
  const gateway = await startGateway({ servers: { up: up.server } });
  const session = await gateway.client().session();
  const stream = await session.open('tools/call', { name: 'up__echo', arguments: {} }, { meta: { progressToken: 1 } });
  await stream.next(({ method }) => method === 'notifications/progress');
  stream.leave();
  await session.request('ping');
  expect(up.cancelled).toEqual([]);
  held[0]?.answer(textResult('done'));
  expect(await gateway.record('the end', ({ kind }) => kind === 'outcome')).toMatchObject({ outcome: 'completed' });
});

test('an id that is still under way in a session is not taken twice [FACE-11]', async () => {
  const held: UpstreamCall[] = [];
  const up = await startUpstream({ onCall: (call) => void held.push(call) });
  const session = await (await startGateway({ servers: { up: up.server } })).client().session();
  const first = session.call('up__echo', {}, { id: 1 });
  await until('it is upstream', () => held.length === 1);
  const second = await session.request('tools/call', { name: 'up__echo', arguments: {} }, { id: 1 });
  expect([second.status, second.message.error?.code]).toEqual([400, -32600]);
  held[0]?.answer(textResult('the first'));
  expect((await first).result.content[0].text).toBe('the first');
});

test('listen is acknowledged, and told of a change only where the own view changed, in both eras [FACE-9]', async () => {
  const up = await startUpstream({ era: 'modern', tools: [tool('open'), tool('inner')] });
  const keys = { alice: 'alices-long-key-of-the-test', bob: 'bobs-long-key-of-the-test' };
  const gateway = await startGateway({
    servers: { up: up.server },
    callers: [{ id: 'alice', key: keys.alice, roles: ['insider'] }, { id: 'bob', key: keys.bob }],
    rules: [{ id: 'open', effect: 'allow', tools: ['up/open*'] }, { id: 'insiders', effect: 'allow', roles: ['insider'] }],
  });
  const listen = async (key: string, wanted: object = { toolsListChanged: true }) => {
    const stream = await gateway.client({ key }).openModern('subscriptions/listen', { notifications: wanted }, { id: 'sub' });
    return stream;
  };
  const [alice, bob, deaf] = [await listen(keys.alice), await listen(keys.bob), await listen(keys.alice, { promptsListChanged: true })];
  const [aliceOld, bobOld] = await Promise.all([keys.alice, keys.bob].map(async (key) => (await gateway.client({ key }).session()).listen()));
  for (const [stream, granted] of [[alice, { toolsListChanged: true }], [deaf, {}]] as const) {
    const acknowledged = await stream.next(() => true);
    expect(acknowledged).toMatchObject({ method: 'notifications/subscriptions/acknowledged', params: { notifications: granted, _meta: { [`${META}subscriptionId`]: 'sub' } } });
  }
  const isChange = ({ method }: { method?: string }): boolean => method === 'notifications/tools/list_changed';
  up.setTools([tool('open'), tool('inner'), tool('inner-2')]);
  expect(await alice.next(isChange)).toMatchObject({ params: { _meta: { [`${META}subscriptionId`]: 'sub' } } });
  await aliceOld?.next(isChange);
  up.setTools([tool('open'), tool('open-2'), tool('inner-2')]);
  await Promise.all([bob.next(isChange), bobOld?.next(isChange)]);
  await until('alice heard again', () => alice.messages.filter(isChange).length === 2);
  expect([bob, bobOld, deaf].map((stream) => stream?.messages.filter(isChange).length)).toEqual([1, 1, 0]);
  expect(await gateway.client({ key: keys.bob }).names()).toEqual(['up__open', 'up__open-2']);
  for (const stream of [alice, bob, deaf]) stream.leave();
});

test('listen needs a list of what to hear and a client that takes streams [FACE-9]', async () => {
  const client = (await startGateway({})).client();
  expect((await client.modern('subscriptions/listen', {})).message.error?.code).toBe(-32602);
  const plain = await client.modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, { headers: { accept: 'application/json' } });
  expect(plain.status).toBe(406);
});

test('a gateway that stops ends each listen with an answer, as the specification wants [FACE-9]', async () => {
  const gateway = await startGateway({});
  const stream = await gateway.client().openModern('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 9 });
  await stream.next(() => true);
  await gateway.close();
  await stream.ended;
  expect(stream.messages.at(-1)).toMatchObject({ id: 9, result: { resultType: 'complete', _meta: { [`${META}subscriptionId`]: 9 } } });
});

test('5,000 calls in parallel of two callers with the same ids: each gets its own answer [FACE-12]', async () => {
  const up = await startUpstream({ onCall: ({ args, answer }) => void setImmediate(() => answer(textResult(String(args['mine'])))) });
  const keys = ['alices-long-key-of-the-test', 'bobs-long-key-of-the-test'];
  const gateway = await startGateway({
    servers: { up: { ...up.server, queue: 10_000 } },
    callers: [{ id: 'alice', key: keys[0] }, { id: 'bob', key: keys[1] }],
  });
  const clients = keys.map((key) => gateway.client({ key }));
  const sessions = await Promise.all(clients.map((client) => client.session()));
  const foreign: string[] = [];
  await Promise.all(
    Array.from({ length: 5000 }, async (_, index) => {
      const who = index % 2;
      const mine = `${who}-${index}`;
      const id = index >> 2;
      const message = index % 4 < 2 ? await clients[who]?.call('up__echo', { mine }, { id }) : await sessions[who]?.call('up__echo', { mine }, { id });
      if (message?.id !== id || message.result?.content?.[0]?.text !== mine) foreign.push(`${mine}: ${JSON.stringify(message)}`);
    }),
  );
  expect(foreign).toEqual([]);
  const owners = new Map(gateway.records().filter(({ kind }) => kind === 'intent').map(({ caller, args }) => [(args as { mine: string }).mine, caller]));
  expect(owners.size).toBe(5000);
  for (const [mine, caller] of owners) expect(caller).toBe(mine.startsWith('0') ? 'alice' : 'bob');
});
