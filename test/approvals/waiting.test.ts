/** A client that cannot be asked: how it is kept waiting, what it is told, and what ends the waiting. */
import { expect, test } from 'vitest';
import type { Message, Stream } from '../support/http.ts';
import { errorIn, textIn, type McpCaller } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { ALICE, ASK, BOB, CAN_ASK, openWorld, type World } from './world.ts';

const ARGS = { path: '/tmp/a' };
const CALL = { name: 'up__write', arguments: ARGS };

const callerOf = (world: World, key = ALICE.key): McpCaller => world.gateway().client({ key });
const isProgress = ({ method }: Message): boolean => method === 'notifications/progress';
const isAnswer = ({ id, method }: Message): boolean => id !== undefined && method === undefined;
const held = (world: World, count: number): Promise<unknown> => until(`${count} clients wait`, () => world.gateway().hall.held() === count);

async function waitingCall(world: World): Promise<Stream> {
  const stream = await callerOf(world).openModern('tools/call', CALL, { meta: { progressToken: 'p' } });
  await stream.next(isProgress);
  return stream;
}

test("it hears the approval id as progress, goes on at once when it is decided, and the tool's own progress goes on from there [ASK-6]", async () => {
  const world = await openWorld({ wait: '10min' });
  const stream = await waitingCall(world);
  const [request] = world.pending();
  expect(stream.messages[0]?.params).toMatchObject({ progressToken: 'p', progress: 0, total: 600, message: `Waiting for approval ${request?.id} (rule "ask-first").` });
  await world.decide(request?.id as string, { type: 'approve' });
  expect(textIn(await stream.next(isAnswer))).toBe('written');
  expect(world.executed()).toEqual([ARGS]);
  const steps = stream.messages.filter(isProgress).map(({ params }) => params?.['progress'] as number);
  expect(steps).toEqual([0, 2, 3]);
});

test('after its time it is told the id and to call again, and calling again goes through once it is granted [ASK-6]', async () => {
  const world = await openWorld({ wait: '200ms' });
  const told = await callerOf(world).call('up__write', ARGS);
  const [request] = world.pending();
  expect(errorIn(told)).toMatchObject({ code: 'approval_required', approval: request?.id, rule: 'ask-first', retryable: true });
  expect(textIn(told)).toContain(request?.id);
  expect(textIn(told)).toContain('again');
  await world.decide(request?.id as string, { type: 'approve' });
  expect(textIn(await callerOf(world).call('up__write', ARGS))).toBe('written');
  expect(world.executed()).toEqual([ARGS]);
});

test('with a wait of nothing it is told at once [ASK-6]', async () => {
  const world = await openWorld({ wait: '0s' });
  expect(errorIn(await callerOf(world).call('up__write', ARGS))).toMatchObject({ code: 'approval_required' });
});

test('who waits holds no place of a limit [ASK-6]', async () => {
  const limits = [{ id: 'one', per: ['caller'], concurrent: 1 }];
  const world = await openWorld({ rules: [{ ...ASK, tools: ['up/write'] }, { id: 'free', effect: 'allow', tools: ['up/other'] }], more: { limits } });
  const stream = await waitingCall(world);
  expect(textIn(await callerOf(world).call('up__other', { id: 1 }))).toBe('written');
  await world.decide(world.pending()[0]?.id as string, { type: 'approve' });
  expect(textIn(await stream.next(isAnswer))).toBe('written');
});

test('several clients that wait for the same word all hear a no, and one of them gets the yes [ASK-6]', async () => {
  const world = await openWorld();
  const say = async (verdict: Parameters<World['decide']>[1]): Promise<Message[]> => {
    const streams = await Promise.all([1, 2, 3].map(() => waitingCall(world)));
    expect(world.pending()).toHaveLength(1);
    await world.decide(world.pending()[0]?.id as string, verdict);
    return Promise.all(streams.map((stream) => (verdict.type === 'deny' ? stream.next(isAnswer) : until('one answer', () => streams.flatMap(({ messages }) => messages).find(isAnswer)))));
  };
  for (const message of await say({ type: 'deny', note: 'no' })) expect(textIn(message)).toContain('A person denied this call: no');
  expect(world.pending()).toEqual([]);
  expect(world.executed()).toEqual([]);
  for (const message of await say({ type: 'approve' })) expect(textIn(message)).toBe('written');
  await held(world, 2);
  expect(world.executed()).toEqual([ARGS]);
  expect(world.pending()).toHaveLength(1);
});

test('a 2026 client that closes its connection leaves the request standing [ASK-7]', async () => {
  const world = await openWorld();
  const stream = await waitingCall(world);
  stream.leave();
  await held(world, 0);
  await world.decide(world.pending()[0]?.id as string, { type: 'approve' });
  expect(world.executed()).toEqual([]);
});

test('who waits is let in anew: a caller that is gone by then gets nothing, and nothing is executed [ASK-8]', async () => {
  const world = await openWorld();
  const stream = await waitingCall(world);
  const id = world.pending()[0]?.id as string;
  world.reload({ callers: [BOB] });
  await world.decide(id, { type: 'approve' });
  expect(errorIn(await stream.next(isAnswer))).toMatchObject({ code: 'unauthenticated' });
  expect(world.executed()).toEqual([]);
});

test('who waits goes on under the rules and with the roles of then [ASK-8]', async () => {
  const world = await openWorld();
  const stream = await waitingCall(world);
  const id = world.pending()[0]?.id as string;
  world.reload({ callers: [{ ...ALICE, roles: ['guest'] }, BOB], rules: [ASK, { id: 'no-guests', effect: 'deny', roles: ['guest'], when: "args.path == '/tmp/a'", reason: 'Not for guests.' }] });
  await world.decide(id, { type: 'approve' });
  expect(textIn(await stream.next(isAnswer))).toContain('Not for guests.');
  expect(world.executed()).toEqual([]);
});

test('a gateway that stops tells who waits at once, and the request is there after the restart [ASK-8]', async () => {
  const world = await openWorld({ wait: '10min' });
  const [elsewhere, session] = [await waitingCall(world), await callerOf(world).session('2025-11-25', CAN_ASK)];
  const asked = await session.open('tools/call', { name: 'up__other', arguments: {} });
  await asked.next(({ method }) => method === 'elicitation/create');
  const before = world.pending().map(({ id }) => id);
  await world.restart();
  for (const stream of [elsewhere, asked]) expect(errorIn(await stream.next(isAnswer))).toMatchObject({ code: 'approval_required' });
  expect(world.pending().map(({ id }) => id)).toEqual(before);
});

test("a caller's share of places is bounded: one more is told at once, and another caller still finds one [ASK-8]", async () => {
  const world = await openWorld({ wait: '10min' });
  const client = callerOf(world);
  const session = await client.session();
  const streams = await Promise.all(Array.from({ length: 100 }, (_, id) => session.open('tools/call', CALL, { id, meta: { progressToken: id } })));
  await held(world, 100);
  expect(errorIn(await client.call('up__write', ARGS))).toMatchObject({ code: 'approval_required' });
  const bob = await callerOf(world, BOB.key).openModern('tools/call', CALL, { meta: { progressToken: 1 } });
  await bob.next(isProgress);
  await held(world, 101);
  for (const stream of [...streams, bob]) stream.leave();
  await held(world, 0);
});
