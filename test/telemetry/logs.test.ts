/** What a caller is shown of a fault, and what the log has of the same: one id leads from the one to the other. */
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Box } from '../../gateway/box.ts';
import { logFault } from '../../gateway/fault-id.ts';
import { createHttpServer } from '../../gateway/http/server.ts';
import { createLog } from '../../gateway/log.ts';
import { CancelSource } from '../../core/cancel.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { errorIn } from '../support/mcp.ts';
import { startUpstream } from '../support/upstream.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

type Line = Record<string, unknown>;
const linesOf = (text: string): Line[] => text.trim().split('\n').map((line) => JSON.parse(line) as Line);
const lineWith = (gateway: TestGateway, holds: (line: Line) => boolean): Line | undefined => linesOf(gateway.log()).find(holds);

test('a fault on the call path shows the id of the call, and the log has it with the trace and the cause [TELEMETRY-7]', async () => {
  const gateway = await startGateway({});
  const { hall } = gateway;
  const broken: Box = Object.assign(Object.create(hall.box()) as Box, { view: () => { throw new Error('the secret cause'); } });
  const id = hall.newCallId();
  const outcome = await hall.callTool(broken, {
    id, name: 'up__echo', args: {}, profile: undefined,
    principal: { id: 'local', tenant: 'default', roles: [], proof: 'loopback' },
    origin: { face: 'mcp' },
    context: { cancellation: new CancelSource(), arrivedAt: performance.now(), traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
  });
  expect(outcome).toMatchObject({ type: 'failed', code: 'internal' });
  const shown = 'message' in outcome ? outcome.message : '';
  expect(shown).toContain(id);
  expect(shown).not.toContain('secret cause');
  expect(lineWith(gateway, ({ call, level }) => call === id && level === 'error')).toMatchObject({ trace: TRACE, error: expect.stringContaining('the secret cause') });
});

test('a call that fails at its server has a line with the id that its caller sees [TELEMETRY-7]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  await up.stop();
  const message = await gateway.client().call('up__echo', {}, { meta: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } });
  const { call, code } = errorIn(message);
  expect(code).toMatch(/^upstream_/);
  expect(lineWith(gateway, (line) => line['call'] === call)).toMatchObject({ level: 'debug', code, tool: 'up/echo', trace: TRACE });
});

test('a fault outside of any call shows an id of its own, and nothing of the cause [TELEMETRY-7]', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json', redactText: (text) => text.replaceAll('hunter2', '[redacted]'), write: (line) => void lines.push(line) });
  const server = createHttpServer({
    endpoint: undefined as never,
    current: () => { throw new Error('password hunter2'); },
    other: () => {},
    onFault: (error) => logFault(log, error, 'fault while handling a request'),
    onAuthFailure: () => {},
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const reply = await send(`http://127.0.0.1:${port}/mcp`, { headers: { 'content-type': 'application/json', connection: 'close' }, body: '{}' });
  expect(reply.status).toBe(500);
  const [, id] = /\(id (f[\da-f]{12})\)/.exec(reply.message.error?.message ?? '') ?? [];
  expect(reply.text).not.toContain('password');
  expect(linesOf(lines.join(''))).toMatchObject([{ id, level: 'error', error: expect.stringContaining('password [redacted]') }]);
});

test('the admin API names faults by id too, and mistakes of the caller in words [TELEMETRY-7]', async () => {
  const gateway = await startGateway({});
  const headers = { authorization: `Bearer ${gateway.operatorToken}`, 'content-type': 'application/json' };
  expect((await send(`${gateway.url}/admin/explain`, { headers, body: '{' })).status).toBe(400);
  Object.assign(gateway.hall.box(), { catalog: () => { throw new Error('the secret cause'); } });
  const reply = await send(`${gateway.url}/admin/status`, { method: 'GET', headers });
  const [, id] = /\(id (f[\da-f]{12})\)/.exec(reply.text) ?? [];
  expect([reply.status, reply.text.includes('secret')]).toEqual([500, false]);
  expect(lineWith(gateway, (line) => line['id'] === id)).toMatchObject({ level: 'error', path: '/admin/status', error: expect.stringContaining('the secret cause') });
});
