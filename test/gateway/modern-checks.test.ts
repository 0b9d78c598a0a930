/** MCP 2026-07-28, basic/transports/streamable-http, Server Validation: what a request's headers and body must say. */
import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { headerValue, META, MODERN, textIn } from '../support/mcp.ts';
import { startUpstream, tool, type Upstream } from '../support/upstream.ts';

const region = tool('region', {
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      where: { type: 'object', properties: { zone: { type: 'integer', 'x-mcp-header': 'Zone' }, exact: { type: 'boolean', 'x-mcp-header': 'Exact' } } },
    },
  },
});

async function world(): Promise<{ up: Upstream; gateway: TestGateway }> {
  const up = await startUpstream({ era: 'modern', tools: [tool('echo'), tool('größe/1'), region] });
  return { up, gateway: await startGateway({ servers: { up: up.server } }) };
}

const call = { name: 'up__echo', arguments: {} };

test('a header that is missing or says other than the body is 400 and -32020, and nothing goes upstream [FACE-6]', async () => {
  const { up, gateway } = await world();
  const client = gateway.client();
  const wrong: Record<string, string | undefined>[] = [
    { 'mcp-protocol-version': undefined },
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-protocol-version': '2099-01-01' },
    { 'mcp-method': undefined },
    { 'mcp-method': 'tools/list' },
    { 'mcp-method': 'Tools/Call' },
    { 'mcp-name': undefined },
    { 'mcp-name': 'up__other' },
    { 'mcp-name': 'UP__ECHO' },
    { 'mcp-name': `=?base64?${Buffer.from('up__other').toString('base64')}?=` },
    { 'mcp-name': '=?base64?%%%?=' },
  ];
  for (const headers of wrong) {
    const { status, message } = await client.modern('tools/call', call, { headers, id: 'x' });
    expect([status, message.id, message.error?.code], JSON.stringify(headers)).toEqual([400, 'x', -32020]);
  }
  expect(up.calls()).toEqual([]);
});

test('a header that comes twice with different values is no match [FACE-6]', async () => {
  const { up, gateway } = await world();
  const client = gateway.client();
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...call, _meta: { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {} } } });
  const reply = await send(client.url, { body, headers: { ...client.headers, 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': ['up__echo', 'up__other'] } });
  expect([reply.status, reply.message.error?.code]).toEqual([400, -32020]);
  expect(up.calls()).toEqual([]);
});

test('a name in Base64 is the same name [FACE-6]', async () => {
  const { gateway } = await world();
  const client = gateway.client();
  const encoded = `=?base64?${Buffer.from('up__echo').toString('base64')}?=`;
  expect(textIn(await client.call('up__echo', { a: 1 }, { headers: { 'mcp-name': encoded } }))).toBe('{"a":1}');
  const unknown = await client.call('größe', {});
  expect(unknown.error).toMatchObject({ code: -32602, message: 'Unknown tool: größe' });
});

test("arguments that a tool's schema mirrors in headers must be there and be the same [FACE-6]", async () => {
  const { up, gateway } = await world();
  const client = gateway.client();
  const args = { region: 'zürich ', where: { zone: 7, exact: true } };
  const good = { 'mcp-param-region': headerValue('zürich '), 'mcp-param-zone': '7', 'mcp-param-exact': 'true' };
  const attempt = (headers: Record<string, string | undefined>, sent: object = args) => client.modern('tools/call', { name: 'up__region', arguments: sent }, { headers });
  expect(textIn((await attempt(good)).message)).toBe(JSON.stringify(args));
  expect((await attempt({}, {})).status).toBe(200);
  expect((await attempt({ 'mcp-param-zone': '7' }, { region: null, where: { zone: 7 } })).status).toBe(200);
  const sentBefore = up.calls().length;
  for (const change of [{ 'mcp-param-region': undefined }, { 'mcp-param-region': 'zurich' }, { 'mcp-param-zone': '8' }, { 'mcp-param-zone': '' }, { 'mcp-param-exact': 'false' }, { 'mcp-param-exact': 'True' }]) {
    const { status, message } = await attempt({ ...good, ...change });
    expect([status, message.error?.code], JSON.stringify(change)).toEqual([400, -32020]);
  }
  expect((await attempt({ 'mcp-param-region': 'x' }, {})).message.error?.code).toBe(-32020);
  expect(up.calls()).toHaveLength(sentBefore);
  // The upstream is told in the same way, whatever the client's era.
  const session = await client.session();
  await session.call('up__region', args);
  expect(up.calls().at(-1)?.headers).toMatchObject({ ...good, 'mcp-name': 'region', 'mcp-method': 'tools/call', 'mcp-protocol-version': MODERN });
});

test('an upstream is called by its own name in body and header, whatever characters that has [FACE-6]', async () => {
  const { up, gateway } = await world();
  const client = gateway.client();
  const name = (await client.names()).find((one) => one.startsWith('up__gr')) as string;
  expect(textIn(await client.call(name, { a: 1 }))).toBe('{"a":1}');
  expect(up.calls()[0]).toMatchObject({ params: { name: 'größe/1' }, headers: { 'mcp-name': `=?base64?${Buffer.from('größe/1').toString('base64')}?=` } });
});

test('a version that is not served is 400 and -32022, and the answer lists those that are [FACE-7]', async () => {
  const { gateway } = await world();
  const client = gateway.client();
  for (const version of ['2027-01-01', '9999-99-99']) {
    const { status, message } = await client.modern('tools/list', {}, { headers: { 'mcp-protocol-version': version }, meta: { [`${META}protocolVersion`]: version } });
    expect([status, message.error?.code]).toEqual([400, -32022]);
    expect(message.error?.data).toEqual({ supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'], requested: version });
  }
  const headerOnly = await client.stateless('tools/list', undefined, { headers: { 'mcp-protocol-version': '2019-01-01' } });
  expect([headerOnly.status, headerOnly.message.error?.code]).toEqual([400, -32022]);
});

test('a request of 2026 without what its _meta must hold is 400 and -32602 [FACE-7]', async () => {
  const { gateway } = await world();
  const client = gateway.client();
  const lacking = [{ [`${META}protocolVersion`]: undefined }, { [`${META}clientCapabilities`]: undefined }, { [`${META}clientCapabilities`]: 'none' }, { [`${META}protocolVersion`]: 20260728 }];
  for (const meta of lacking) {
    const { status, message } = await client.modern('tools/call', call, { meta });
    expect([status, message.error?.code], JSON.stringify(meta)).toEqual([400, -32602]);
  }
});

test('a method that does not exist is 404 and -32601 in 2026, 200 and -32601 in 2025; names of objects are no methods [FACE-7]', async () => {
  const { gateway } = await world();
  const client = gateway.client();
  const session = await client.session();
  for (const method of ['no/such', 'prompts/list', 'resources/read', '__proto__', 'constructor', 'toString', '']) {
    const modern = await client.modern(method, method === 'resources/read' ? { uri: 'a:b' } : {}, { headers: { 'mcp-name': 'a:b' } });
    expect([method, modern.status, modern.message.error?.code]).toEqual([method, 404, -32601]);
    const legacy = await session.request(method);
    expect([method, legacy.status, legacy.message.error?.code]).toEqual([method, 200, -32601]);
  }
});

test('parameters of the wrong type are refused by name in both eras [FACE-7]', async () => {
  const { up, gateway } = await world();
  const client = gateway.client();
  const session = await client.session();
  const wrong: [object, RegExp][] = [
    [{ name: 7, arguments: {} }, /"name"/],
    [{ arguments: {} }, /"name"/],
    [{ name: 'up__echo', arguments: [] }, /"arguments"/],
    [{ name: 'up__echo', arguments: 'text' }, /"arguments"/],
  ];
  for (const [params, names] of wrong) {
    const legacy = (await session.request('tools/call', params)).message;
    expect([legacy.error?.code, legacy.error?.message]).toEqual([-32602, expect.stringMatching(names)]);
    if (!('arguments' in params) || typeof (params as { name?: unknown }).name !== 'string') continue;
    expect((await client.modern('tools/call', params)).message.error).toMatchObject({ code: -32602, message: expect.stringMatching(names) });
  }
  expect((await session.request('tools/list', { cursor: 7 })).message.error?.code).toBe(-32602);
  expect(up.calls()).toEqual([]);
});

test('what a client says of itself in _meta does not go past the gateway, what is not of the hop does [FACE-6]', async () => {
  const { up, gateway } = await world();
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  await gateway.client().call('up__echo', {}, { meta: { 'com.example/kept': { a: [1] }, traceparent: trace, [`${META}clientInfo`]: { name: 'canary-client' }, [`${META}clientCapabilities`]: { sampling: {} } } });
  const [sent] = up.calls();
  expect(sent?.body).not.toContain('canary-client');
  expect(sent?.params['_meta']).toMatchObject({ 'com.example/kept': { a: [1] }, traceparent: trace, [`${META}clientCapabilities`]: {}, [`${META}clientInfo`]: { name: 'signalbox' } });
});
