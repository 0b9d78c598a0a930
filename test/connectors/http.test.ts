/** HTTP upstreams at their worst, and what may and may not be sent again. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { call, createWorld, httpSettings, textOf, until, type World } from './harness.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.end());

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { name?: string; arguments?: JsonObject; _meta?: JsonObject };
}
type Reply = (status: number, body?: unknown, headers?: Record<string, string>) => void;
type OnCall = (message: Message, response: ServerResponse, reply: Reply, request: IncomingMessage) => void;

const TOOLS = [{ name: 'do', inputSchema: { type: 'object' } }];
const ok = (id: number | undefined, value = 'ok') => ({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: value }] } });

/** A hand-written 2025 server without sessions; `onCall` answers tools/call, and may answer anything first. */
function legacy(onCall: OnCall, onGet: RequestListener = (_request, response) => void response.writeHead(405).end(), first?: (message: Message, reply: Reply) => boolean): RequestListener {
  return (request, response) => {
    if (request.method === 'GET') return onGet(request, response);
    if (request.method !== 'POST') return void response.writeHead(200).end();
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const message = JSON.parse(body) as Message;
      const reply: Reply = (status, answer, headers = {}) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(answer === undefined ? '' : JSON.stringify(answer));
      if (first?.(message, reply) === true) return;
      const { id, method } = message;
      if (id === undefined) reply(202);
      else if (method === 'initialize') reply(200, { jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '0' } } });
      else if (method === 'tools/list') reply(200, { jsonrpc: '2.0', id, result: { tools: TOOLS } });
      else if (method === 'tools/call') onCall(message, response, reply, request);
      else reply(400, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request' } });
    });
  };
}

describe('sessions', () => {
  test('calls that meet a lost session share one new one, and each is executed once [CONN-3]', async () => {
    const executions = join(mkdtempSync(join(tmpdir(), 'connectors-')), 'executions');
    const { origin } = await world.serve('sdk1-server.ts', ['http'], { EXECUTIONS: executions });
    const connector = await world.connect(httpSettings(`${origin}/mcp`));
    await fetch(`${origin}/forget`);
    const ids = Array.from({ length: 40 }, (_, n) => `call-${n}`);
    const answers = await Promise.all(ids.map((id) => call(connector, 'record', { id })));
    expect(answers.map(textOf)).toEqual(ids);
    expect(readFileSync(executions, 'utf8').trim().split('\n').toSorted()).toEqual(ids.toSorted());
    expect(world.lines.filter((line) => line.message.includes('session; it was opened again'))).toHaveLength(1);
  });

  test('the session is ended at the server on close', async () => {
    const executions = join(mkdtempSync(join(tmpdir(), 'connectors-')), 'executions');
    const { origin } = await world.serve('sdk1-server.ts', ['http'], { EXECUTIONS: executions });
    const connector = await world.connect(httpSettings(`${origin}/mcp`));
    await connector.close(500);
    expect(readFileSync(executions, 'utf8')).toMatch(/^closed /);
  });

  test('a server that was restarted is found again', async () => {
    const first = await world.serve('sdk1-server.ts', ['http']);
    const connector = await world.connect(httpSettings(`${first.origin}/mcp`));
    first.process.kill('SIGKILL');
    await until('the server is gone', () => first.process.signalCode !== null);
    await until('a call is refused', async () => (await call(connector, 'echo', { text: 'x' })).type === 'fault' && connector.status().state === 'failed');
    expect(connector.tools()).toEqual([]);
    expect(connector.status().problem).toContain('nothing listens at its address');
    await world.serve('sdk1-server.ts', ['http'], { PORT: new URL(first.origin).port });
    await until('it is ready again', () => connector.status().state === 'ready', 15_000);
    expect(textOf(await call(connector, 'echo', { text: 'back' }))).toBe('back');
  });
});

describe('the 2026 era', () => {
  test('arguments that the schema names are repeated as headers', async () => {
    const { origin } = await world.serve('sdk2-server.ts', ['http']);
    const connector = await world.connect(httpSettings(`${origin}/mcp`));
    for (const region of ['us-west1', 'Größe 世界', ' padded ', '=?base64?x?=']) expect(textOf(await call(connector, 'region', { region }))).toBe(region);
  });

  const modern = (onCall: OnCall, list: () => object): RequestListener =>
    legacy(onCall, undefined, ({ id, method }, reply) => {
      if (method === 'server/discover') reply(200, { jsonrpc: '2.0', id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0 } });
      else if (method === 'tools/list') reply(200, { jsonrpc: '2.0', id, result: { resultType: 'complete', ...list() } });
      else return false;
      return true;
    });

  test('a header mismatch has the tools listed again, and the call sent once more with the right headers', async () => {
    let schema: JsonObject = { type: 'object', properties: { region: { type: 'string' } } };
    const seen: (string | string[] | undefined)[] = [];
    const origin = await world.raw(
      modern(
        ({ id }, _response, reply, request) => {
          seen.push(request.headers['mcp-param-region']);
          if (request.headers['mcp-param-region'] === 'eu') reply(200, ok(id));
          else reply(400, { jsonrpc: '2.0', id, error: { code: -32020, message: 'Header mismatch' } });
        },
        () => ({ tools: [{ name: 'do', inputSchema: schema }], ttlMs: 0 }),
      ),
    );
    const connector = await world.connect(httpSettings(origin));
    schema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };
    expect(textOf(await call(connector, 'do', { region: 'eu' }))).toBe('ok');
    expect(seen).toEqual([undefined, 'eu']);
  });

  test.each([
    ['on a number', { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }],
    ['with a line break', { properties: { a: { type: 'string', 'x-mcp-header': 'A\r\nX: y' } } }],
    ['twice', { properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } } }],
    ['in an array', { properties: { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } } }],
    ['under anyOf', { anyOf: [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }] }],
  ])('a tool whose x-mcp-header is wrong is left out alone: %s', async (_name, inputSchema) => {
    const origin = await world.raw(modern((_message, _response, reply) => reply(500), () => ({ tools: [{ name: 'bad', inputSchema }, ...TOOLS], ttlMs: 1_000 })));
    const connector = await world.connect(httpSettings(origin));
    expect(connector.tools().map((tool) => tool.name)).toEqual(['do']);
    expect(connector.listTtlMs()).toBe(1_000);
  });

  test('an unfinished result is passed on untouched', async () => {
    const result = { resultType: 'input_required', inputRequests: {}, requestState: 'opaque' };
    const origin = await world.raw(modern(({ id }, _response, reply) => reply(200, { jsonrpc: '2.0', id, result }), () => ({ tools: TOOLS })));
    expect(await call(await world.connect(httpSettings(origin)), 'do')).toMatchObject({ type: 'result', result });
  });
});

describe('pages', () => {
  const paged = (page: (cursor: string | undefined) => object) =>
    legacy(() => {}, undefined, ({ id, method, params }, reply) => {
      if (method !== 'tools/list') return false;
      reply(200, { jsonrpc: '2.0', id, result: page((params as JsonObject | undefined)?.['cursor'] as string | undefined) });
      return true;
    });

  test('all pages are listed', async () => {
    const origin = await world.raw(paged((cursor = '0') => ({ tools: [{ name: `t${cursor}`, inputSchema: {} }], ...(cursor === '4' ? {} : { nextCursor: String(Number(cursor) + 1) }) })));
    expect((await world.connect(httpSettings(origin))).tools().map((tool) => tool.name)).toEqual(['t0', 't1', 't2', 't3', 't4']);
  });

  test('a cursor that comes twice ends the list', async () => {
    const origin = await world.raw(paged((cursor) => ({ tools: [{ name: `t${cursor ?? ''}`, inputSchema: {} }], nextCursor: 'again' })));
    expect((await world.connect(httpSettings(origin))).tools().map((tool) => tool.name)).toEqual(['t', 'tagain']);
  });
});

describe('faults', () => {
  const connectTo = async (onCall: OnCall, more = {}, onGet?: RequestListener) => world.connect(httpSettings(await world.raw(legacy(onCall, onGet)), more));

  test.each([
    [401, 'unavailable', 'no', 'credentials'],
    [403, 'unavailable', 'no', 'forbids'],
    [429, 'overloaded', 'no', 'too many requests'],
    [500, 'unavailable', 'maybe', 'HTTP 500'],
    [302, 'unavailable', 'no', 'redirect'],
  ])('HTTP %i is %s, executed: %s', async (status, reason, executed, words) => {
    const connector = await connectTo((_message, _response, reply) => reply(status, undefined, { location: 'http://127.0.0.1:1/', 'retry-after': '7' }), { headers: { authorization: 'Bearer canary' } });
    const fault = await call(connector, 'do');
    expect(fault).toMatchObject({ type: 'fault', reason, executed, retryAfterMs: 7_000 });
    expect(JSON.stringify(fault)).toContain(words);
    expect(JSON.stringify([fault, world.lines])).not.toContain('canary');
  });

  test.each<[string, OnCall, string]>([
    ['closes before it answers', (_message, response) => void response.destroy(), 'lost'],
    ['closes in the middle of its answer', (_message, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"jsonrpc"');
      setTimeout(() => response.destroy(), 20);
    }, 'lost'],
    ['ends its stream without an answer', (_message, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n'), 'lost'],
    ['answers with garbage', (_message, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'), 'protocol'],
    ['answers with a web page', (_message, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), 'protocol'],
    ['answers another request', (_message, _response, reply) => reply(200, ok(999_999)), 'protocol'],
    ['accepts and never answers', (_message, _response, reply) => reply(202), 'protocol'],
    ['announces a gigabyte', (_message, response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(2 ** 30) }).write('{'), 'too-large'],
    ['sends a gigabyte', (_message, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    }, 'too-large'],
    ['sends one endless event', (_message, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (!response.destroyed && response.write(`data: ${'x'.repeat(65_536)}\n`));
      };
      response.on('drain', more);
      more();
    }, 'too-large'],
  ])('a server that %s', async (_name, onCall, reason) => {
    expect(await call(await connectTo(onCall), 'do')).toMatchObject({ type: 'fault', reason, executed: 'maybe' });
  });

  test('an answer that drips keeps its deadline, and progress alone puts off the idle one', async () => {
    const drip: OnCall = ({ id, params }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let n = 0;
      const timer = setInterval(() => {
        n++;
        const token = params?._meta?.['progressToken'];
        if (n === 10) response.end(`data: ${JSON.stringify(ok(id))}\n\n`);
        else response.write(token === undefined ? ': nothing\n\n' : `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: n } })}\n\n`);
      }, 60);
      response.on('close', () => clearInterval(timer));
    };
    const connector = await connectTo(drip, { idleTimeoutMs: 300, timeoutMs: 5_000 });
    expect(textOf(await call(connector, 'do', {}, { onProgress: () => {} }))).toBe('ok');
    expect(await call(connector, 'do')).toMatchObject({ type: 'fault', reason: 'timeout', message: expect.stringContaining('idleTimeoutMs') as string });
  });

  test('a broken answer with an event id is fetched to its end', async () => {
    let posted = 0;
    let answerId: number | undefined;
    const connector = await connectTo(
      ({ id }, response) => {
        posted++;
        answerId = id;
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 10\nid: stream-7\ndata:\n\n');
        setTimeout(() => response.destroy(), 30);
      },
      {},
      (request, response) => {
        if (request.headers['last-event-id'] !== 'stream-7') return void response.writeHead(405).end();
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(ok(answerId, 'resumed'))}\n\n`);
      },
    );
    expect(textOf(await call(connector, 'do'))).toBe('resumed');
    expect(posted).toBe(1);
  });

  test('a call that may have run is sent again only where the operator says that it may [CONN-6]', async () => {
    let calls = 0;
    const flaky: OnCall = ({ id }, response, reply) => void (++calls % 2 === 1 ? response.destroy() : reply(200, ok(id)));
    expect(await call(await connectTo(flaky), 'do')).toMatchObject({ type: 'fault', reason: 'lost', executed: 'maybe' });
    expect(calls).toBe(1);
    calls = 0;
    expect(textOf(await call(await connectTo(flaky, { idempotent: ['d*'] }), 'do'))).toBe('ok');
    expect(calls).toBe(2);
  });

  test('after failures in a row it is given a rest, then tried with one call, and closes again [CONN-8]', async () => {
    let broken = true;
    let calls = 0;
    const connector = await connectTo(({ id }, _response, reply) => {
      calls++;
      reply(broken ? 500 : 200, broken ? undefined : ok(id));
    });
    for (let n = 0; n < 5; n++) await call(connector, 'do');
    expect(connector.status().breaker).toBe('open');
    const refused = await call(connector, 'do');
    expect(refused).toMatchObject({ type: 'fault', reason: 'unavailable', executed: 'no' });
    expect(refused.type === 'fault' && refused.retryAfterMs).toBeGreaterThan(0);
    expect(calls).toBe(5);
    broken = false;
    await until('it is let through again', async () => (await call(connector, 'do')).type === 'result');
    expect(connector.status().breaker).toBe('closed');
  });

  test('never more at once than concurrency, first come first served, and one more than the queue holds is refused [CONN-8]', async () => {
    const waiting: (() => void)[] = [];
    const order: number[] = [];
    const connector = await connectTo(({ id, params }, _response, reply) => {
      order.push(params?.arguments?.['n'] as number);
      waiting.push(() => reply(200, ok(id)));
    }, { concurrency: 2, queue: 3 });
    const answers = Array.from({ length: 6 }, (_, n) => call(connector, 'do', { n }));
    expect(await answers[5]).toMatchObject({ type: 'fault', reason: 'overloaded', executed: 'no' });
    expect(connector.status()).toMatchObject({ inFlight: 2, queued: 3 });
    for (let n = 0; n < 5; n++) (await until('a call arrives', () => waiting.shift()))();
    await Promise.all(answers);
    expect(order.slice(2)).toEqual([2, 3, 4]);
  });
});

describe('addresses', () => {
  test.each(['http://169.254.169.254/latest', 'http://2852039166/', 'http://[::ffff:a9fe:a9fe]/', 'http://[fe80::1]/', 'http://[fd00:ec2::254]/'])('%s is not dialled', async (url) => {
    expect((await world.connect(httpSettings(url))).status().problem).toContain('not dialled');
  });

  test.each([['ftp://host/', 'http: and https:'], ['file:///etc/passwd', 'http: and https:'], ['http://u:p@host/', 'user name or password'], ['nonsense', 'not valid']])('%s is refused in words', async (url, words) => {
    const { problem } = (await world.connect(httpSettings(url))).status();
    expect(problem).toContain(words);
  });

  test('a port where nothing listens is said to be one, and nothing was executed', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await until('a port', () => server.address() !== null);
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const connector = await world.connect(httpSettings(`http://127.0.0.1:${port}/mcp`));
    expect(connector.status().problem).toBe('server "up": nothing listens at its address (connection refused); start it, or correct its "url"');
    expect(await call(connector, 'do')).toMatchObject({ type: 'fault', reason: 'unavailable', executed: 'no' });
  });

  test('an HTTP+SSE endpoint of another origin is not used', async () => {
    const origin = await world.raw((request, response) => {
      if (request.method === 'GET') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: http://127.0.0.1:1/steal\n\n');
      else response.writeHead(405).end();
    });
    const connector = await world.connect(httpSettings(origin, { type: 'sse' }));
    expect(connector.status().problem).toContain('another origin');
  });
});
