/** Arguments on the call path: what does not fit goes nowhere, and a hostile schema costs its own tool only. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { serve } from '../support/process.ts';
import { startUpstream, tool } from '../support/upstream.ts';

const PATH_TOOL = tool('read', { inputSchema: { type: 'object', properties: { path: { type: 'string', pattern: '^/' }, lines: { type: 'integer', minimum: 1 } }, required: ['path'], additionalProperties: false } });

async function status(gateway: TestGateway): Promise<{ pins: { quarantined: { tool: string; cause: string; why: string }[]; noted: { tool: string; cause: string }[] } }> {
  const { text } = await send(`${gateway.url}/admin/status`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } });
  return JSON.parse(text) as Awaited<ReturnType<typeof status>>;
}

test('arguments that do not fit are refused in words, recorded, and never sent; those that fit pass [ARGS-2]', async () => {
  const up = await startUpstream({ tools: [PATH_TOOL] });
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  const session = await client.session();
  for (const call of [client.call, session.call]) {
    const refused = await call('up__read', { path: '/x', lines: 'hunter2-canary' });
    expect(errorIn(refused)).toMatchObject({ code: 'invalid_arguments', retryable: false });
    expect(refused.result.isError).toBe(true);
    expect(textIn(refused)).toContain('Argument "/lines" does not fit the schema of the tool: expected integer.');
    expect(JSON.stringify(refused)).not.toContain('hunter2');
  }
  expect(textIn(await client.call('up__read', {}))).toContain('"path" is missing');
  expect(up.calls()).toHaveLength(0);
  expect(textIn(await client.call('up__read', { path: '/x', lines: 12 }))).toBe('{"path":"/x","lines":12}');
  await gateway.record('the refusal', ({ kind, code, effect }) => kind === 'refused' && code === 'invalid_arguments' && effect === 'allow');
});

test('rules come first, so that who may not call learns nothing of the schema [ARGS-2]', async () => {
  const up = await startUpstream({ tools: [PATH_TOOL] });
  const gateway = await startGateway({ servers: { up: up.server }, rules: [{ id: 'all', effect: 'allow' }, { id: 'no', effect: 'deny', when: 'has(args.secret)' }] });
  expect(errorIn(await gateway.client().call('up__read', { secret: 1 }))).toMatchObject({ code: 'denied', rule: 'no' });
});

test('where they are only warned about they pass, and the log says so; switched off nothing is said [ARGS-2]', async () => {
  const up = await startUpstream({ tools: [PATH_TOOL] });
  const warning = await startGateway({ servers: { up: up.server }, arguments: { mode: 'warn' } });
  expect(textIn(await warning.client().call('up__read', { path: 5 }))).toBe('{"path":5}');
  expect(warning.log()).toContain('arguments do not fit the schema of the tool');
  const off = await startGateway({ servers: { up: up.server }, arguments: { mode: 'off' } });
  expect(textIn(await off.client().call('up__read', { path: 5 }))).toBe('{"path":5}');
  expect(off.log()).not.toContain('do not fit');
});

test('hostile schemas hide their own tools, the status says why, nothing is fetched, and the others are served in time [ARGS-3]', async () => {
  let fetches = 0;
  const remote = createServer((_req, res) => {
    fetches++;
    res.end('{}');
  });
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void remote.close());
  const address = `http://127.0.0.1:${(remote.address() as AddressInfo).port}/schema.json`;
  const $defs: Record<string, object> = { d30: { required: ['a'] } };
  for (let at = 0; at < 30; at++) $defs[`d${at}`] = { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] };
  const hostile = {
    doubling: { type: 'object', $defs, allOf: [{ $ref: '#/$defs/d0' }] },
    endless: { type: 'object', allOf: [{ $ref: '#' }] },
    fan: { type: 'object', allOf: [{ properties: { a: { $ref: '#' } } }, { properties: { a: { $ref: '#' } } }] },
    remote: { type: 'object', properties: { a: { $ref: address } } },
    remote_root: { type: 'object', $ref: address },
    huge: { type: 'object', properties: { a: { enum: Array.from({ length: 50_000 }, (_, at) => at) } } },
    dynamic: { type: 'object', properties: { a: { $dynamicRef: '#x' } } },
  };
  const up = await startUpstream({
    tools: [
      ...Object.entries(hostile).map(([name, inputSchema]) => tool(name, { inputSchema })),
      PATH_TOOL,
      tool('tree', { inputSchema: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } }, additionalProperties: false } }),
      tool('backtracking', { inputSchema: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } } }),
    ],
  });
  // A process of its own: here, the tests and the tool server would be late together with it.
  const gateway = await serve({ servers: { up: up.server } });
  const client = gateway.client();
  // prom-client measures by monitorEventLoopDelay, from one scrape to the next.
  const lagP99Ms = async (): Promise<number> => 1000 * Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec((await send(`${gateway.url}/metrics`, { method: 'GET' })).text)?.[1]);
  await lagP99Ms();
  expect(await client.names()).toEqual(['up__backtracking', 'up__read', 'up__tree']);
  const long = `${'a'.repeat(50_000)}!`;
  for (let turn = 0; turn < 150; turn++) {
    await Promise.all([
      ...Object.keys(hostile).map(async (name) => expect((await client.call(`up__${name}`, { a: 1 })).error?.code).toBe(-32602)),
      client.call('up__backtracking', { a: long }).then((answer) => expect(errorIn(answer)['code']).toBe('invalid_arguments')),
      client.call('up__read', { path: '/x' }).then((answer) => expect(textIn(answer)).toBe('{"path":"/x"}')),
      client.call('up__tree', { children: [{ children: [{}] }] }).then((answer) => expect(errorIn(answer)).toEqual({})),
    ]);
  }
  const late = await lagP99Ms();
  expect(late).toBeGreaterThan(0);
  expect(late).toBeLessThan(50);
  expect(fetches).toBe(0);
  const beside = await startGateway({ servers: { up: up.server } });
  const { quarantined } = (await status(beside)).pins;
  expect(quarantined.map(({ tool: name }) => name)).toEqual(Object.keys(hostile).map((name) => `up/${name}`).sort());
  expect(quarantined.every(({ cause, why }) => cause === 'schema' && why.startsWith('The schema of its arguments is beyond the bounds: '))).toBe(true);
  expect(up.calls().map(({ params }) => params['name']).filter((name) => Object.hasOwn(hostile, String(name)))).toEqual([]);
});
