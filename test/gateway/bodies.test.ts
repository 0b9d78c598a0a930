/** Bodies that are too big, too deep, or not what they seem: a clear error, nothing upstream, and everybody else served. */
import { connect } from 'node:net';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { createHttpServer } from '../../gateway/http/server.ts';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { META, MODERN, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { serve } from '../support/process.ts';
import { startUpstream } from '../support/upstream.ts';

const call = (args: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","arguments":${args}}}`;
const MIB = 1024 * 1024;

/** Writes a body for as long as it is taken, and says what was answered and how much had left by then. */
function pour(url: string, announced: number | undefined, chunks: number): Promise<{ answer: string; sent: number }> {
  return new Promise((resolve) => {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const chunk = Buffer.alloc(MIB, 0x20);
    let answer = '';
    let written = 0;
    const framed = announced === undefined ? Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]) : chunk;
    const more = (): void => {
      while (answer === '' && written < chunks && !socket.destroyed) {
        written++;
        if (!socket.write(framed)) return void socket.once('drain', more);
      }
    };
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.on('error', () => {});
    socket.once('close', () => resolve({ answer, sent: socket.bytesWritten }));
    const length = announced === undefined ? 'transfer-encoding: chunked' : `content-length: ${announced}`;
    socket.write(`POST /mcp HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n${length}\r\n\r\n`);
    more();
  });
}

test('a body of 50 MB is 413 before it has come in, announced or in chunks, and the connection is closed [HTTP-2]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const announced = await pour(gateway.url, 50 * MIB, 0);
  expect(announced.answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*"code":1413/i);
  const chunked = await pour(gateway.url, undefined, 50);
  expect(chunked.answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(chunked.answer).toContain('4194304 bytes');
  // What the kernel holds between the two comes on top of the 4 MiB that are read.
  expect(chunked.sent).toBeLessThan(25 * MIB);
  expect(textIn(await gateway.client().call('up__echo', { a: 1 }))).toBe('{"a":1}');
});

test('the bound on bodies is the configured one, to the byte [HTTP-2]', async () => {
  const up = await startUpstream();
  const client = (await startGateway({ servers: { up: up.server }, listen: { maxBodyBytes: 2000 } })).client();
  const sized = (bytes: number): string => call('{}') + ' '.repeat(bytes - call('{}').length);
  expect((await client.raw(sized(2000))).status).toBe(200);
  expect((await client.raw(sized(2001))).status).toBe(413);
});

test('JSON nested 100,000 deep is refused in words; the bound is the configured one, and strings do not count [HTTP-3]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  const nested = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  for (const body of [call(nested(100_000)), '['.repeat(100_000), `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, '['.repeat(100_000) + ']'.repeat(100_000)]) {
    const { status, message } = await client.raw(body);
    expect([status, message.error?.code, message.error?.message]).toEqual([400, -32600, expect.stringContaining('more than 64 arrays and objects deep')]);
  }
  // The request itself is two levels, the arguments are one more.
  expect((await client.raw(call(nested(61)))).status).toBe(200);
  expect((await client.raw(call(nested(62)))).status).toBe(400);
  expect((await client.raw(call(JSON.stringify({ a: '[{'.repeat(50_000) })))).status).toBe(200);
  expect(up.calls()).toHaveLength(2);
});

test('what is no JSON-RPC message is answered as the specification says [HTTP-4]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  const cases: [string | Uint8Array, number, number][] = [
    ['', 400, -32700],
    [' ', 400, -32700],
    ['{', 400, -32700],
    ['not json', 400, -32700],
    ["{'jsonrpc':'2.0'}", 400, -32700],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}x', 400, -32700],
    ['{"jsonrpc":"2.0","id":1,"method":"ping",}', 400, -32700],
    ['\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}', 400, -32700],
    ['{"jsonrpc":"2.0","id":NaN,"method":"ping"}', 400, -32700],
    [Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff"}}', 'latin1'), 400, -32700],
    [Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}', 'utf16le'), 400, -32700],
    ['null', 400, -32600],
    ['7', 400, -32600],
    ['"text"', 400, -32600],
    ['{}', 400, -32600],
    ['{"id":1,"method":"ping"}', 400, -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
    ['{"jsonrpc":2.0,"id":1,"method":"ping"}', 400, -32600],
    ['{"jsonrpc":"2.0","id":1}', 400, -32600],
    ['{"jsonrpc":"2.0","id":1,"method":7}', 400, -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', 400, -32600],
  ];
  for (const [body, status, code] of cases) {
    const reply = await client.raw(body);
    expect([String(body), reply.status, reply.message.error?.code]).toEqual([String(body), status, code]);
    expect(reply.message.jsonrpc).toBe('2.0');
    expect(reply.message.id === null || reply.message.id === 1).toBe(true);
  }
  expect((await client.raw('{"jsonrpc":"2.0","method":"notifications/nothing"}')).status).toBe(202);
  expect((await client.raw('{"jsonrpc":"2.0","id":5,"result":{}}')).status).toBe(202);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', undefined]) {
    expect([type, (await client.raw(call('{}'), { 'content-type': type })).status]).toEqual([type, 415]);
  }
  expect((await client.raw('{"jsonrpc":"2.0","id":1,"method":"ping"}', { 'content-type': 'Application/JSON ; charset=utf-8' })).status).toBe(200);
  expect(up.calls()).toEqual([]);
});

test('a member that is there twice, or differs from a known one by case only, is refused, and nothing goes upstream [HTTP-5]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, rules: [{ id: 'no-etc', effect: 'deny', tools: ['*'], when: 'has(args.path) && args.path == "/etc"' }, { id: 'rest', effect: 'allow' }] });
  const client = gateway.client();
  const bodies = [
    call('{"path":"/tmp","path":"/etc"}'),
    call('{"path":"/tmp","p\\u0061th":"/etc"}'),
    call('{"a":{"b":[{"c":1,"c":2}]}}'),
    call('{"__proto__":1,"__proto__":2}'),
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"up__echo","arguments":{}}}',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"up__echo"}}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"up__echo"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo"},"PARAMS":{"name":"up__x"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","Name":"up__x"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","ARGUMENTS":{"path":"/etc"}}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","_META":{}}}',
  ];
  for (const body of bodies) {
    const { status, message } = await client.raw(body);
    expect([body, status, message.error?.code]).toEqual([body, 400, -32600]);
  }
  expect(up.calls()).toEqual([]);
  // Arguments are the tool's: there, names that differ by case are different names.
  expect(textIn((await client.raw(call('{"Path":1,"path":2}'))).message)).toBe('{"Path":1,"path":2}');
});

test('a connection that drips its headers or its body is closed in its time [HTTP-6]', async () => {
  const server = createHttpServer({
    endpoint: undefined as never,
    current: () => { throw new Error('never asked: no request came in whole'); },
    other: () => {},
    onFault: () => 'f0',
    onAuthFailure: () => {},
    times: { headersMs: 150, requestMs: 300, checkMs: 20 },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.on('error', () => {});
  socket.write('POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n');
  const drip = setInterval(() => socket.write('x-a: b\r\n'), 20);
  const closed = await until('the connection is closed', () => socket.closed, 5000).finally(() => clearInterval(drip));
  expect(closed).toBe(true);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  server.close();
});

test('a body that never ends holds nobody up, and goes with its connection [HTTP-6]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const started = Array.from({ length: 50 }, () => {
    const req = request(`${gateway.url}/mcp`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': '1000' } });
    req.on('error', () => {});
    req.write('{"jsonrpc"');
    return req;
  });
  expect(textIn(await gateway.client().call('up__echo', { a: 1 }))).toBe('{"a":1}');
  for (const req of started) req.destroy();
  await gateway.close();
});

test('content-length and transfer-encoding together, and a length that is none, are refused before anything reads them [HTTP-6]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const { hostname, port, host } = new URL(gateway.url);
  for (const framing of ['content-length: 5\r\ntransfer-encoding: chunked', 'content-length: 5\r\ncontent-length: 6', 'content-length: -1', 'transfer-encoding: chunked, identity']) {
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => {});
    socket.write(`POST /mcp HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n${framing}\r\n\r\n0\r\n\r\n`);
    await until('the connection is closed', () => socket.closed, 5000);
    expect([framing, answer.slice(0, 12)]).toEqual([framing, 'HTTP/1.1 400']);
  }
  expect(up.calls()).toEqual([]);
});

test('while hostile bodies come, pings are answered, and the event loop is late by less than 50 ms, 99 times of 100 [HTTP-7]', async () => {
  const gateway = await serve({ listen: { maxDepth: 64 } });
  const client = gateway.client();
  const hostile = [
    call(`{"a":${'['.repeat(100_000)}}`),
    call(`{"a":"${'\\"'.repeat(100_000)}"}`),
    call(`{${Array.from({ length: 5000 }, (_, index) => `"k${index}":${index}`).join(',')},"k1":1}`),
    call(`[${'1234567890123456789,'.repeat(5000)}1]`),
    call(JSON.stringify({ text: '\u0000'.repeat(50_000) })),
    `"${'a'.repeat(200_000)}`,
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(100_000), params: { _meta: { [`${META}protocolVersion`]: MODERN } } }),
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: 'A'.repeat(200_000) } }),
    call(JSON.stringify({ name: `${'a'.repeat(50_000)}!` })).replace('up__echo', 'x'.repeat(50_000)),
  ];
  await client.stateless('ping');
  const lagP99Seconds = async (): Promise<number> => Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec((await send(`${gateway.url}/metrics`, { method: 'GET' })).text)?.[1]);
  await lagP99Seconds();
  let over = false;
  const attackers = Array.from({ length: 4 }, async (_, lane) => {
    for (let turn = lane; !over; turn++) await client.raw(hostile[turn % hostile.length] as string);
  });
  for (let ping = 0; ping < 200; ping++) expect((await client.stateless('ping')).status).toBe(200);
  // The gateway's own measure, since the scrape before.
  const p99Ms = (await lagP99Seconds()) * 1000;
  over = true;
  await Promise.all(attackers);
  expect(p99Ms).toBeGreaterThan(0);
  expect(p99Ms).toBeLessThan(50);
});
