/** Sessions of 2025 clients: whose they are, and how they end. */
import { expect, test } from 'vitest';
import { createSessions } from '../../gateway/mcp/sessions.ts';
import type { Principal } from '../../core/principal.ts';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, tool } from '../support/upstream.ts';

const ALICE = 'alices-long-key-of-the-test';
const BOB = 'bobs-long-key-of-the-test';
const CALLERS = [{ id: 'alice', key: ALICE }, { id: 'bob', key: BOB }];

test("a session belongs to one caller: with another's key it does not exist, and its owner goes on [FACE-2]", async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, callers: CALLERS });
  const alice = await gateway.client({ key: ALICE }).session();
  const stream = await alice.listen();
  const bob = gateway.client({ key: BOB });
  const stolen = { 'mcp-session-id': alice.id, 'mcp-protocol-version': '2025-11-25' };
  const unknown = { ...stolen, 'mcp-session-id': 'no-such-session' };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__echo', arguments: {} } });
  const taken = await bob.raw(body, stolen);
  expect(taken.status).toBe(404);
  // Nothing tells whether the session is another's or nobody's.
  expect(taken.text).toBe((await bob.raw(body, unknown)).text);
  for (const method of ['GET', 'DELETE']) {
    const reply = await send(bob.url, { method, headers: { ...bob.headers, accept: 'text/event-stream', ...stolen } });
    expect([method, reply.status, reply.message.error?.code]).toEqual([method, 404, 1404]);
  }
  expect(up.calls()).toEqual([]);
  expect(textIn(await alice.call('up__echo', { still: 'here' }))).toBe('{"still":"here"}');
  up.setTools([tool('echo'), tool('more')]);
  await stream.next(({ method }) => method === 'notifications/tools/list_changed');
});

test('a cancellation from another session or caller reaches nobody [FACE-2]', async () => {
  const held: (() => void)[] = [];
  const up = await startUpstream({ onCall: ({ answer }) => void held.push(() => answer('{"content":[{"type":"text","text":"done"}]}')) });
  const gateway = await startGateway({ servers: { up: up.server }, callers: CALLERS });
  const [alice, alice2, bob] = await Promise.all([ALICE, ALICE, BOB].map((key) => gateway.client({ key }).session()));
  const answer = alice?.call('up__echo', {}, { id: 7 });
  await until('the call is upstream', () => held.length === 1);
  expect((await alice2?.notify('notifications/cancelled', { requestId: 7 }))?.status).toBe(202);
  expect((await bob?.notify('notifications/cancelled', { requestId: 7 }))?.status).toBe(202);
  // Text is another id than the number.
  await alice?.notify('notifications/cancelled', { requestId: '7' });
  held[0]?.();
  expect(textIn((await answer) ?? {})).toBe('done');
  expect(up.cancelled).toEqual([]);
});

test('a session belongs to one profile: at another it does not exist [FACE-2]', async () => {
  const up = await startUpstream({ tools: [tool('a'), tool('b')] });
  const gateway = await startGateway({ servers: { up: up.server }, profiles: { one: { include: ['up/a'] }, two: { include: ['up/b'] } } });
  const session = await gateway.client({ profile: 'one' }).session();
  for (const profile of ['two', undefined]) {
    const elsewhere = gateway.client(profile === undefined ? {} : { profile });
    expect((await elsewhere.stateless('tools/list', undefined, { headers: { 'mcp-session-id': session.id } })).status).toBe(404);
  }
  expect((await session.request('tools/list')).message.result.tools).toMatchObject([{ name: 'up__a' }]);
});

test('DELETE ends a session: its stream closes, its calls are cancelled, its id is unknown from then on [FACE-3]', async () => {
  const up = await startUpstream({ onCall: () => {} });
  const gateway = await startGateway({ servers: { up: up.server } });
  const session = await gateway.client().session();
  const stream = await session.listen();
  const call = await Promise.all([session.open('tools/call', { name: 'up__echo' }, { meta: { progressToken: 1 } }).catch(() => undefined), until('the call is upstream', () => up.calls().length === 1).then(() => session.end())]);
  expect(call[1].status).toBe(204);
  await stream.ended;
  await until('the upstream was told', () => up.cancelled.includes('echo'));
  const after = await session.request('ping');
  expect([after.status, after.message.error?.code]).toEqual([404, 1404]);
  expect((await session.end()).status).toBe(404);
});

test('GET and DELETE without a session are not allowed, nor is another verb; GET takes event streams only [FACE-3]', async () => {
  const client = (await startGateway({})).client();
  for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
    const reply = await send(client.url, { method, headers: { accept: 'text/event-stream' } });
    expect([method, reply.status, reply.headers.allow]).toEqual([method, 405, 'GET, POST, DELETE']);
  }
  const session = await client.session();
  expect((await send(client.url, { method: 'GET', headers: { accept: 'application/json', 'mcp-session-id': session.id } })).status).toBe(406);
});

test('a second stream of a session takes over: each message is sent on one [FACE-3]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const session = await gateway.client().session();
  const first = await session.listen();
  const second = await session.listen();
  up.setTools([tool('echo'), tool('more')]);
  await second.next(({ method }) => method === 'notifications/tools/list_changed');
  expect(first.messages).toEqual([]);
  second.leave();
  await second.ended;
  await until('the gateway noticed', () => {
    up.setTools([tool('echo'), tool(`more-${Math.random()}`)]);
    return first.messages.length > 0;
  });
});

test('an id is unguessable: 192 random bits, none like another [FACE-2]', async () => {
  const client = (await startGateway({})).client();
  const ids = await Promise.all(Array.from({ length: 50 }, async () => (await client.session()).id));
  expect(new Set(ids).size).toBe(50);
  for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(24);
});

test('a session that nobody uses for half an hour is ended; one with a stream or a call under way is not [FACE-3]', () => {
  let now = 1_000_000;
  const sessions = createSessions(() => now);
  const principal: Principal = { id: 'alice', tenant: 'default', roles: [], proof: 'key' };
  const open = () => sessions.open({ principal, profile: undefined, protocolVersion: '2025-11-25', clientInfo: undefined, clientCapabilities: undefined });
  const [idle, used, streaming, calling] = [open(), open(), open(), open()];
  streaming.streams.add({ closed: false, send() {}, offer() {}, beat() {}, end() {} });
  calling.inFlight.set(1, { cancelled: false, reason: undefined, onCancel: () => () => {}, cancel() {} } as never);
  now += 29 * 60_000;
  expect(sessions.find(used.id, principal, undefined)).toBe(used);
  now += 2 * 60_000;
  sessions.sweep();
  expect([idle, used, streaming, calling].map(({ id }) => sessions.find(id, principal, undefined) !== undefined)).toEqual([false, true, true, true]);
  expect(sessions.find(used.id, { ...principal, tenant: 'other' }, undefined)).toBeUndefined();
});

test('sessions are bounded in number: the one used longest ago makes room [FACE-3]', () => {
  const sessions = createSessions();
  const principal: Principal = { id: 'alice', tenant: 'default', roles: [], proof: 'key' };
  const open = () => sessions.open({ principal, profile: undefined, protocolVersion: '2025-11-25', clientInfo: undefined, clientCapabilities: undefined });
  const [first, second] = [open(), open()];
  for (let made = 2; made < 10_000; made++) open();
  sessions.find(first.id, principal, undefined);
  open();
  expect(sessions.size).toBe(10_000);
  expect(sessions.find(first.id, principal, undefined)).toBe(first);
  expect(sessions.find(second.id, principal, undefined)).toBeUndefined();
});
