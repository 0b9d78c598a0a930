/** What goes wrong around a call, and that it harms nothing else: dead servers, big answers, broken configurations. */
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { serve } from '../support/process.ts';
import { startUpstream, textResult, tool, type UpstreamCall } from '../support/upstream.ts';

test('a dead server hides its own tools only, says why, and comes back by itself [CONN-2]', async () => {
  const [up, other] = await Promise.all([startUpstream(), startUpstream({ tools: [tool('still')] })]);
  const gateway = await startGateway({ servers: { up: up.server, other: other.server, broken: { command: '/no/such/program' } } });
  const client = gateway.client();
  const stream = await (await client.session()).listen();
  expect(await client.names()).toEqual(['other__still', 'up__echo']);
  await up.stop();
  await until('the call fails', async () => {
    const message = await client.call('up__echo');
    return message.error?.code === -32602 || errorIn(message)['code'] === 'upstream_unavailable';
  });
  await until('its tools are hidden', async () => (await client.names()).join() === 'other__still');
  expect(textIn(await client.call('other__still', { a: 1 }))).toBe('{"a":1}');
  await stream.next(({ method }) => method === 'notifications/tools/list_changed');
  const status = JSON.parse((await send(`${gateway.url}/admin/status`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } })).text) as { servers: { id: string; state: string; problem?: string }[] };
  const byId = new Map(status.servers.map((server) => [server.id, server]));
  expect(byId.get('other')?.state).toBe('ready');
  for (const id of ['up', 'broken']) expect(byId.get(id)?.problem, id).toMatch(/\w/);
  await up.start();
  await until('it is back', async () => (await client.names()).includes('up__echo'), 20_000);
  expect(textIn(await client.call('up__echo', { back: true }))).toBe('{"back":true}');
});

test('a result beyond the bound is a clear error and is recorded as executed; the next call works [PATH-8]', async () => {
  const up = await startUpstream({ onCall: ({ args, answer }) => answer(textResult('x'.repeat(Number(args['bytes'])))) });
  const gateway = await startGateway({ servers: { up: { ...up.server, maxResponseBytes: 10_000 } } });
  const client = gateway.client();
  const tooLarge = await client.call('up__echo', { bytes: 20_000 });
  expect(errorIn(tooLarge)).toMatchObject({ code: 'result_too_large', executed: 'maybe' });
  expect(textIn(tooLarge)).not.toContain('xxxx');
  expect(await gateway.record('the end', ({ kind }) => kind === 'outcome')).toMatchObject({ code: 'result_too_large', executed: 'maybe' });
  expect(textIn(await client.call('up__echo', { bytes: 5000 }))).toHaveLength(5000);
});

test('a call that takes longer than it may is ended with a clear error, and the upstream is told [CONN-4]', async () => {
  const up = await startUpstream({ onCall: () => {} });
  const gateway = await startGateway({ servers: { up: { ...up.server, timeoutMs: 200 } } });
  expect(errorIn(await gateway.client().call('up__echo'))).toMatchObject({ code: 'upstream_timeout', retryable: false, executed: 'maybe' });
  await until('the upstream was told', () => up.cancelled.length === 1);
});

test('a call under way finishes under the configuration that it began with; the next one has the new one [CONF-2]', async () => {
  const held: UpstreamCall[] = [];
  const up = await startUpstream({ onCall: (call) => void held.push(call) });
  const servers = { up: up.server };
  const gateway = await startGateway({ servers, audit: { payloads: 'redacted' } });
  const client = gateway.client();
  const under = client.call('up__echo', { n: 1 });
  await until('it is upstream', () => held.length === 1);
  const before = gateway.hall.box().settings.hash;
  // Both the rules and the server change: its old connection must live until the call has ended.
  gateway.reload({ servers: { up: { ...up.server, timeoutMs: 5000 } }, rules: [{ id: 'none', effect: 'deny', when: 'has(args.n)' }, { id: 'rest', effect: 'allow' }] });
  await gateway.hall.box().settled;
  expect(errorIn(await client.call('up__echo', { n: 2 }))['code']).toBe('denied');
  held[0]?.answer(textResult('as it began'));
  expect(textIn(await under)).toBe('as it began');
  const reload = await gateway.record('the reload', ({ kind }) => kind === 'reload');
  expect(reload).toMatchObject({ ok: true, before, config: gateway.hall.box().settings.hash });
  expect(reload['config']).not.toBe(before);
});

test('limits keep their counts over a reload: it is no way to start anew [CONF-2]', async () => {
  const up = await startUpstream();
  const config = { servers: { up: up.server }, limits: [{ id: 'two', rate: '2/hour' }] };
  const gateway = await startGateway(config);
  const client = gateway.client();
  await client.call('up__echo');
  await client.call('up__echo');
  gateway.reload({ ...config, log: { level: 'debug' } });
  await gateway.hall.box().settled;
  expect(errorIn(await client.call('up__echo'))['code']).toBe('rate_limited');
});

test('a session sees a rule that a reload brings, and is told that its list changed [CONF-2]', async () => {
  const up = await startUpstream({ tools: [tool('a'), tool('b')] });
  const gateway = await startGateway({ servers: { up: up.server } });
  const session = await gateway.client().session();
  const stream = await session.listen();
  gateway.reload({ servers: { up: up.server }, rules: [{ id: 'a', effect: 'allow', tools: ['up/a'] }] });
  await stream.next(({ method }) => method === 'notifications/tools/list_changed');
  expect((await session.request('tools/list')).message.result.tools).toMatchObject([{ name: 'up__a' }]);
  expect((await session.call('up__b')).error?.code).toBe(-32602);
});

test('a broken file changes nothing, is said loudly and recorded; mended, it is taken on [CONF-3]', async () => {
  const up = await startUpstream();
  const config = { data: './data', servers: { up: up.server } };
  const gateway = await serve(config);
  const client = gateway.client();
  await until('the tools are there', async () => (await client.names()).length === 1);
  const broken = ['{"servers": ', JSON.stringify({ ...config, serverz: {} }), JSON.stringify({ ...config, rules: [{ id: 'r', effect: 'allow', when: 'args.' }] }), JSON.stringify({ ...config, callers: [{ id: 'a', key: '${env:NOT_SET}' }] })];
  for (const [index, text] of broken.entries()) {
    gateway.writeConfig(text);
    gateway.child.kill('SIGHUP');
    await until(`refusal ${index} is recorded`, () => gateway.records().filter(({ kind, ok }) => kind === 'reload' && ok === false).length > index);
    expect(textIn(await client.call('up__echo', { index }))).toBe(`{"index":${index}}`);
  }
  expect(gateway.stderr()).toMatch(/the last good one stays in force[^]*signalbox\.json:1:/);
  expect(gateway.stderr()).toContain('Did you mean "servers"?');
  gateway.writeConfig(JSON.stringify({ ...config, rules: [{ id: 'none', effect: 'deny' }] }));
  await until('the mended file is in force', async () => (await client.names()).length === 0);
  await until('that is recorded', () => gateway.records().filter(({ kind, ok }) => kind === 'reload' && ok === true).length === 1);
});

test('the start is a record, with what was in force; health says whether it is ready [LEDGER-4]', async () => {
  const gateway = await startGateway({});
  expect(await gateway.record('the start', ({ kind }) => kind === 'start')).toMatchObject({ version: expect.any(String), config: gateway.hall.box().settings.hash, policy: gateway.hall.box().rules.hash, url: gateway.url });
  expect(JSON.parse((await send(`${gateway.url}/readyz`, { method: 'GET' })).text)).toEqual({ ready: true });
  expect((await send(`${gateway.url}/metrics`, { method: 'GET' })).text).toContain('signalbox_ledger_ok 1');
  await gateway.close();
  expect(gateway.records().at(-1)).toMatchObject({ kind: 'stop' });
});

test('ready is said when each server has connected or failed once, not before [HTTP-8]', async () => {
  const gateway = await serve({ servers: { slow: { command: process.execPath, args: ['-e', 'setTimeout(() => process.exit(1), 1500)'] } } });
  expect((await send(`${gateway.url}/readyz`, { method: 'GET' })).status).toBe(503);
  expect((await send(`${gateway.url}/healthz`, { method: 'GET' })).status).toBe(200);
  await until('it is ready', async () => (await send(`${gateway.url}/readyz`, { method: 'GET' })).status === 200);
});
