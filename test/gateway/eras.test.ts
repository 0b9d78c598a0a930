/** Both eras on one endpoint: what a well-behaved client of each gets. */
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { META, textIn } from '../support/mcp.ts';
import { startUpstream, textResult, tool } from '../support/upstream.ts';

const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

for (const era of ['legacy', 'modern'] as const) {
  test(`a client of either era lists and calls the tools of an upstream of the ${era} era [FACE-1]`, async () => {
    const up = await startUpstream({ era });
    const gateway = await startGateway({ servers: { up: up.server } });
    const client = gateway.client();
    expect(await client.names()).toEqual(['up__echo']);
    expect(textIn(await client.call('up__echo', { from: 2026 }))).toBe('{"from":2026}');
    for (const version of VERSIONS) {
      const session = await client.session(version);
      expect(session.initialized.result).toMatchObject({ protocolVersion: version, serverInfo: { name: 'signalbox' }, capabilities: { tools: { listChanged: true } } });
      expect((await session.request('tools/list')).message.result.tools).toMatchObject([{ name: 'up__echo' }]);
      expect(textIn(await session.call('up__echo', { from: version }))).toBe(`{"from":"${version}"}`);
    }
    expect(up.calls()).toHaveLength(1 + VERSIONS.length);
  });
}

test('a version that nobody knows is answered with the newest that both eras of "initialize" know [FACE-1]', async () => {
  const gateway = await startGateway({});
  const session = await gateway.client().session('1999-01-01');
  expect(session.initialized.result.protocolVersion).toBe('2025-11-25');
});

test('a 2025 client that keeps no session is served as well [FACE-4]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  for (const headers of [{}, { 'mcp-protocol-version': '2025-11-25' }]) {
    expect((await client.stateless('tools/list', undefined, { headers })).message.result.tools).toMatchObject([{ name: 'up__echo' }]);
    expect(textIn((await client.stateless('tools/call', { name: 'up__echo', arguments: { a: 1 } }, { headers })).message)).toBe('{"a":1}');
    expect((await client.stateless('ping', undefined, { headers })).message.result).toEqual({});
  }
});

test('discover says versions, capabilities and how long that holds [FACE-8]', async () => {
  const { status, message } = await (await startGateway({})).client().modern('server/discover');
  expect(status).toBe(200);
  expect(message.result).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true } },
    cacheScope: 'public',
    ttlMs: expect.any(Number),
    _meta: { [`${META}serverInfo`]: { name: 'signalbox' } },
  });
});

test('a list is public where everybody sees the same, private where it is filtered or callers are known [FACE-8]', async () => {
  const up = await startUpstream({ era: 'modern', ttlMs: 7000, tools: [tool('a'), tool('b')] });
  const open = await startGateway({ servers: { up: up.server }, profiles: { whole: {} } });
  expect((await open.client().modern('tools/list')).message.result).toMatchObject({ ttlMs: 7000, cacheScope: 'public' });
  expect((await open.client({ profile: 'whole' }).modern('tools/list')).message.result).toMatchObject({ cacheScope: 'private' });

  const filtered = await startGateway({ servers: { up: up.server }, rules: [{ id: 'r', effect: 'allow', tools: ['up/a'] }] });
  expect((await filtered.client().modern('tools/list')).message.result).toMatchObject({ cacheScope: 'private', tools: [{ name: 'up__a' }] });

  const known = await startGateway({ servers: { up: up.server }, callers: [{ id: 'alice', key: 'alices-long-key-of-the-test' }] });
  expect((await known.client({ key: 'alices-long-key-of-the-test' }).modern('tools/list')).message.result).toMatchObject({ cacheScope: 'private' });
});

test('a list takes the smallest time that any upstream lets it be kept [FACE-8]', async () => {
  const [slow, quick] = await Promise.all([startUpstream({ era: 'modern', ttlMs: 90_000 }), startUpstream({ era: 'modern', ttlMs: 6000 })]);
  const gateway = await startGateway({ servers: { slow: slow.server, quick: quick.server } });
  expect((await gateway.client().modern('tools/list')).message.result.ttlMs).toBe(6000);
});

test('what belongs to one era does not appear in the other [FACE-1]', async () => {
  const up = await startUpstream({ era: 'modern', onCall: (call) => call.answer('{"resultType":"complete","content":[],"x":1}') });
  const gateway = await startGateway({ servers: { up: up.server } });
  const session = await gateway.client().session();
  const old = (await session.request('tools/list')).message.result;
  expect(Object.keys(old)).toEqual(['tools']);
  expect((await session.call('up__echo')).result).toEqual({ content: [], x: 1 });
  expect((await gateway.client().call('up__echo')).result).toMatchObject({ resultType: 'complete', content: [], x: 1 });
  expect((await session.request('server/discover')).message.error?.code).toBe(-32601);
  expect((await gateway.client().modern('ping')).message.error?.code).toBe(-32601);
  expect((await gateway.client().modern('initialize')).message.error?.code).toBe(-32601);
});

test('the ids of requests come back as they were sent, text as text and number as number [FACE-13]', async () => {
  const client = (await startGateway({})).client();
  for (const id of ['1', 1, '', 'ü\u0000"', 0, -7, 2 ** 53 - 1]) {
    const headers = { 'mcp-protocol-version': '2025-11-25' };
    expect((await client.stateless('ping', undefined, { id, headers })).message).toEqual({ jsonrpc: '2.0', id, result: {} });
    expect((await client.modern('server/discover', {}, { id })).message.id).toStrictEqual(id);
  }
});

test('an id that is null, a fraction, a list or an object is refused [FACE-13]', async () => {
  const client = (await startGateway({})).client();
  for (const id of ['null', '1.5', '[]', '{}', 'true', '12345678901234567890']) {
    const { status, message } = await client.raw(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    expect([status, message.id, message.error?.code], id).toEqual([400, null, -32600]);
  }
});

test('several requests of 2025-03-26 may come in one body, and no other version has that [FACE-5]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'up__echo', arguments: { id } } });
  const batch = JSON.stringify([{ jsonrpc: '2.0', id: 'p', method: 'ping' }, call(1), { jsonrpc: '2.0', method: 'notifications/initialized' }, call(2), { no: 'message' }]);
  const old = await client.session('2025-03-26');
  const inSession = { 'mcp-session-id': old.id };
  const answered = await client.raw(batch, inSession);
  expect(answered.status).toBe(200);
  const byId = new Map(answered.messages.map((message) => [message.id, message]));
  expect([...byId.keys()].map(String).toSorted()).toEqual(['1', '2', 'null', 'p']);
  expect(textIn(byId.get(2) ?? {})).toBe('{"id":2}');
  expect(byId.get(null)?.error?.code).toBe(-32600);
  expect((await client.raw('[{"jsonrpc":"2.0","method":"notifications/initialized"}]', inSession)).status).toBe(202);

  const newer = await client.session('2025-06-18');
  for (const headers of [{ 'mcp-session-id': newer.id }, { 'mcp-protocol-version': '2025-11-25' }, { 'mcp-protocol-version': '2026-07-28' }]) {
    const { status, message } = await client.raw(batch, headers);
    expect([status, message.error?.code]).toEqual([400, -32600]);
  }
  for (const body of ['[]', JSON.stringify(Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })))]) {
    expect((await client.raw(body, inSession)).status).toBe(400);
  }
  expect(up.calls()).toHaveLength(2);
});

test('no request of 2026 hides in a batch [FACE-5]', async () => {
  const gateway = await startGateway({});
  const modern = { jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: { [`${META}protocolVersion`]: '2026-07-28', [`${META}clientCapabilities`]: {} } } };
  const { messages } = await gateway.client().raw(JSON.stringify([modern]), { 'mcp-protocol-version': '2025-03-26' });
  expect(messages).toMatchObject([{ error: { code: -32020 } }]);
});

test("an upstream's own error passes, its reserved codes do not [PATH-9]", async () => {
  const up = await startUpstream({
    onCall: ({ args, answer }) => answer(args['code'] === undefined ? textResult('fine') : `"error":{"code":${Number(args['code'])},"message":"its words","data":{"kept":[1]}}`),
  });
  const client = (await startGateway({ servers: { up: up.server } })).client();
  expect((await client.call('up__echo', { code: -32602 })).error).toEqual({ code: -32602, message: 'its words', data: { kept: [1] } });
  expect((await client.call('up__echo', { code: 42 })).error).toMatchObject({ code: 42 });
  for (const code of [-32020, -32021, -32022, -32042, -32000, -32099]) {
    expect((await client.call('up__echo', { code })).error, String(code)).toMatchObject({ code: 1009, data: { upstreamCode: code } });
  }
});
