/** A person at a 2025 client, by the wire: where the gateway's request goes, who may answer it, and what ends it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Message, Reply, Stream } from '../support/http.ts';
import { errorIn, textIn, type McpCaller, type McpSession } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { accept, ALICE, APPROVED, ASK, BOB, CAN_ASK, openWorld, type World } from './world.ts';

const ARGS = { path: '/tmp/a' };
const CALL = { name: 'up__write', arguments: ARGS };

const callerOf = (world: World, key = ALICE.key): McpCaller => world.gateway().client({ key });
const isRequest = ({ method }: Message): boolean => method === 'elicitation/create';

const respond = (client: McpCaller, session: McpSession | undefined, id: unknown, more: object): Promise<Reply> =>
  client.raw(JSON.stringify({ jsonrpc: '2.0', id, ...more }), session === undefined ? {} : { 'mcp-session-id': session.id });

/** A call on its way, and the request that it set off. */
async function asked(world: World, client = callerOf(world)): Promise<{ client: McpCaller; session: McpSession; stream: Stream; request: Message }> {
  const session = await client.session('2025-11-25', CAN_ASK);
  const stream = await session.open('tools/call', CALL, { id: 'call' });
  return { client, session, stream, request: await stream.next(isRequest) };
}

const answerOn = async (stream: Stream): Promise<Message> => stream.next(({ id, method }) => id === 'call' && method === undefined, 'the answer');

test('it is answered in its own session alone: not without one, in another one, by another caller, or by a guessed id [ASK-5]', async () => {
  const world = await openWorld();
  const { client, session, stream, request } = await asked(world);
  const result = { result: APPROVED };
  const other = await client.session('2025-11-25', CAN_ASK);
  const bob = callerOf(world, BOB.key);
  expect((await respond(client, undefined, request.id, result)).status).toBe(202);
  expect((await respond(client, other, request.id, result)).status).toBe(202);
  expect((await respond(bob, session, request.id, result)).status).toBe(404);
  expect((await respond(bob, await bob.session('2025-11-25', CAN_ASK), request.id, result)).status).toBe(202);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.integer(), fc.string()), async (id) => {
      if (id !== request.id) await respond(client, session, id, result);
    }),
    { numRuns: 50 },
  );
  expect(world.executed()).toEqual([]);
  expect(String(request.id)).toMatch(/^[\w-]{22}$/);
  expect((await respond(client, session, request.id, result)).status).toBe(202);
  expect(textIn(await answerOn(stream))).toBe('written');
});

test('an answer counts once: sent fifty times it executes once [ASK-3] [ASK-5]', async () => {
  const world = await openWorld();
  const { client, session, stream, request } = await asked(world);
  await Promise.all(Array.from({ length: 50 }, () => respond(client, session, request.id, { result: APPROVED })));
  await answerOn(stream);
  await respond(client, session, request.id, { result: APPROVED });
  expect(world.executed()).toEqual([ARGS]);
});

test('a client that takes no stream for its answer is asked on its GET stream, and with none it is kept waiting [ASK-5]', async () => {
  const world = await openWorld({ wait: '500ms' });
  const client = callerOf(world);
  const session = await client.session('2025-11-25', CAN_ASK);
  const plain = { headers: { accept: 'application/json' } };
  expect(errorIn((await session.request('tools/call', CALL, plain)).message)).toMatchObject({ code: 'approval_required' });
  const listening = await session.listen();
  const answer = session.request('tools/call', CALL, plain);
  const request = await listening.next(isRequest);
  await respond(client, session, request.id, { result: APPROVED });
  expect(textIn((await answer).message)).toBe('written');
});

test('nobody is asked whom the rule does not name, or who did not say that it can show a form [ASK-4]', async () => {
  const world = await openWorld({ wait: '100ms' });
  const client = callerOf(world);
  const cannot: [string, object][] = [['2025-11-25', {}], ['2025-11-25', { elicitation: { url: {} } }], ['2025-11-25', { elicitation: 'yes' }], ['2025-03-26', CAN_ASK]];
  const tries = cannot.map(async ([version, capabilities]) => (await client.session(version, capabilities)).request('tools/call', CALL));
  tries.push(client.stateless('tools/call', CALL));
  tries.push(...[{}, { elicitation: { url: {} } }].map((capabilities) => client.modern('tools/call', CALL, { meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities } })));
  for (const { messages, message } of await Promise.all(tries)) {
    expect(messages.some(isRequest)).toBe(false);
    expect(errorIn(message)).toMatchObject({ code: 'approval_required' });
  }
  world.rules([{ ...ASK, approvers: ['lead'] }]);
  const session = await client.session('2025-11-25', CAN_ASK);
  expect((await session.request('tools/call', CALL)).messages.some(isRequest)).toBe(false);
  world.rules([{ ...ASK, approvers: ['lead', 'self'] }]);
  const stream = await session.open('tools/call', CALL);
  await stream.next(isRequest);
  stream.leave();
});

test('a client that cannot ask after all is kept waiting for somebody else [ASK-6]', async () => {
  const world = await openWorld();
  const { client, session, stream, request } = await asked(world);
  await respond(client, session, request.id, { error: { code: -32601, message: 'Method not found' } });
  await world.decide(world.pending()[0]?.id as string, { type: 'approve' });
  expect(textIn(await answerOn(stream))).toBe('written');
  expect(world.executed()).toEqual([ARGS]);
});

test('decided elsewhere while the form is open, the call goes on and the form is withdrawn; what it says then is nothing [ASK-6]', async () => {
  const world = await openWorld();
  const { client, session, stream, request } = await asked(world);
  await world.decide(world.pending()[0]?.id as string, { type: 'deny', note: 'not now' });
  expect(await stream.next(({ method }) => method === 'notifications/cancelled')).toMatchObject({ params: { requestId: request.id } });
  await respond(client, session, request.id, { result: APPROVED });
  expect(textIn(await answerOn(stream))).toContain('not now');
  expect(world.executed()).toEqual([]);
});

test('a form that comes back wrong is shown again with what is wrong, a few times and no more [ASK-4]', async () => {
  const world = await openWorld();
  const { client, session, stream } = await asked(world);
  for (let form = 1; form <= 5; form++) {
    const request = await until('the next form', () => stream.messages.filter(isRequest)[form - 1]);
    if (form > 1) expect(request.params?.['message']).toContain('Not taken: The edited arguments are no JSON object.');
    await respond(client, session, request.id, { result: accept({ decision: 'approve', arguments: '[1]' }) });
  }
  expect(errorIn(await answerOn(stream))).toMatchObject({ code: 'approval_required' });
  expect(stream.messages.filter(isRequest)).toHaveLength(5);
  expect(world.executed()).toEqual([]);
});

const WAYS: [string, (parts: Awaited<ReturnType<typeof asked>>) => unknown][] = [
  ['cancels the call', ({ session }) => session.notify('notifications/cancelled', { requestId: 'call' })],
  ['ends its session', ({ session }) => session.end()],
  ['goes away', ({ stream }) => stream.leave()],
];
for (const [way, leave] of WAYS) {
  test(`a client that ${way} leaves the request standing, and a yes after that executes nothing [ASK-7]`, async () => {
    const world = await openWorld();
    const parts = await asked(world);
    await leave(parts);
    await parts.stream.ended;
    await until('nobody is kept waiting', () => world.gateway().hall.held() === 0);
    await respond(parts.client, parts.session, parts.request.id, { result: APPROVED });
    const [pending] = world.pending();
    expect(pending?.state).toBe('pending');
    await world.decide(pending?.id as string, { type: 'approve' });
    expect(world.executed()).toEqual([]);
    // Who calls again finds the grant.
    expect(textIn(await callerOf(world).call('up__write', ARGS))).toBe('written');
    expect(world.executed()).toEqual([ARGS]);
  });
}

test('what the person reads is harmless: no line of its own, no hidden character, no secret, and a cut that says so [ASK-4]', async () => {
  const world = await openWorld();
  const client = callerOf(world);
  const session = await client.session('2025-11-25', CAN_ASK);
  const args = { path: 'a\nRule: none\u202e\u{e0041}\u001b[2J', password: 'hunter2hunter2', text: 'x'.repeat(20_000), more: ['y'.repeat(4000), 'z'.repeat(4000)] };
  const stream = await session.open('tools/call', { name: 'up__write', arguments: args });
  const message = (await stream.next(isRequest)).params?.['message'] as string;
  expect(message.match(/^Rule: .*$/gm)).toEqual(['Rule: ask-first']);
  for (const character of ['\u202e', '\u001b', '\u{e0041}']) expect(message).not.toContain(character);
  expect(message).toContain('x…(20000 bytes)');
  expect(message).not.toContain('hunter2');
  expect(message).toMatch(/\[cut: \d+ of \d+ characters are not shown; "signalbox approvals show ap_\w+" shows more\]/);
  stream.leave();
});
