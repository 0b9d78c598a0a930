/** Two readers of HTTP, the short way in and node:http: whichever reads a request, it says the same. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readPlainHead } from '../../gateway/http/plain/head.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool, type Upstream } from '../support/upstream.ts';

let gateway: TestGateway;
let up: Upstream;
let ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  up = await startUpstream({
    tools: [tool('echo'), tool('slow')],
    onCall: (made) => {
      if (made.name === 'echo') made.answer(textResult(JSON.stringify(made.args)));
    },
    atEnd: (end) => void ends.push(end),
  });
  gateway = await startGateway({ servers: { up: up.server } }, { atEnd: (end) => void ends.push(end) });
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

interface Wire {
  readonly socket: Socket;
  text(): string;
}

function dial(): Wire {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let text = '';
  socket.on('data', (data) => (text += data.toString('utf8')));
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return { socket, text: () => text };
}

const call = (id: number, text: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'up__echo', arguments: { text } } });

const post = (body: string, fields = ''): string =>
  `POST /mcp HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\ncontent-type: application/json\r\n${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const answers = (text: string): string[] => text.split('HTTP/1.1 ').slice(1);

test('a plain request and the next on its connection are answered, body and length whatever their characters [HTTP-9]', async () => {
  const { socket, text } = dial();
  for (const [id, words] of [[1, 'one'], [2, 'zwei Übergänge 🚦'], [3, 'x'.repeat(20_000)]] as const) {
    socket.write(post(call(id, words)));
    await until(`answer ${id}`, () => text().includes(`"id":${id}`) && text().includes(words));
  }
  const [first = ''] = answers(text());
  expect(first).toMatch(/^200 OK\r\n/);
  expect(first).toMatch(/\r\ndate: [A-Z][a-z]{2}, \d\d /i);
  const body = first.slice(first.indexOf('\r\n\r\n') + 4);
  expect(/content-length: (\d+)/i.exec(first)?.[1]).toBe(String(Buffer.byteLength(body)));
});

test('requests that come before their turn are answered in theirs, each once [HTTP-9]', async () => {
  const { socket, text } = dial();
  const from = up.calls().length;
  for (let id = 10; id < 20; id++) socket.write(post(call(id, `turn ${id}`)));
  await until('ten answers', () => answers(text()).length === 10);
  const ids = answers(text()).map((answer) => Number(/"id":(\d+)/.exec(answer)?.[1]));
  expect(ids).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  expect(up.calls().length - from).toBe(10);
});

test('what is not plain on a connection is read by node:http, and so is what follows [HTTP-9]', async () => {
  const { socket, text } = dial();
  const host = new URL(gateway.url).host;
  const steps = [
    post(call(1, 'plain')),
    `GET /healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
    post(call(2, 'after')),
    `POST /mcp HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${Buffer.byteLength(call(3, 'chunked')).toString(16)}\r\n${call(3, 'chunked')}\r\n0\r\n\r\n`,
    `POST /nowhere HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 0\r\n\r\n`,
    post(call(4, 'last')),
  ];
  for (const [index, step] of steps.entries()) {
    socket.write(step);
    await until(`answer ${index + 1}`, () => answers(text()).length === index + 1);
  }
  expect(answers(text()).map((answer) => answer.slice(0, 3))).toEqual(['200', '200', '200', '200', '404', '200']);
});

test('a plain request in any number of pieces is the same request [HTTP-9]', async () => {
  const whole = Buffer.from(post(call(7, 'in pieces')));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 4 }), async (cuts) => {
      const { socket, text } = dial();
      let start = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
        await new Promise<void>((written) => socket.write(whole.subarray(start, cut), () => setImmediate(written)));
        start = cut;
      }
      await until('the answer', () => text().includes('in pieces'));
      expect(answers(text())).toHaveLength(1);
      socket.destroy();
    }),
    { numRuns: 25 },
  );
});

test('contradictory and malformed heads are refused whichever way they start [HTTP-6]', async () => {
  const from = up.calls().length;
  const host = new URL(gateway.url).host;
  const body = call(1, 'smuggled');
  const length = `content-length: ${Buffer.byteLength(body)}`;
  const heads = [
    `host: ${host}\r\n${length}\r\ntransfer-encoding: chunked`,
    `host: ${host}\r\n${length}\r\n${length}0`,
    `host: ${host}\r\ncontent-length: +${Buffer.byteLength(body)}`,
    `host: ${host}\r\nx-a: b\r\n folded: c\r\n${length}`,
    `host: ${host}\r\nx-a : b\r\n${length}`,
    `host: ${host}\nx-a: b\r\n${length}`,
    `host: ${host}\r\nx-a: b\0c\r\n${length}`,
    length,
  ];
  for (const head of heads) {
    const { socket, text } = dial();
    socket.write(`POST /mcp HTTP/1.1\r\ncontent-type: application/json\r\n${head}\r\n\r\n${body}`);
    await until(`refusal of ${JSON.stringify(head)}`, () => text() !== '');
    expect([head, text().slice(9, 10)]).toEqual([head, '4']);
  }
  expect(up.calls().length).toBe(from);
});

test('what the short way reads of a head is what node:http reads of it [HTTP-9]', async () => {
  const seen: { headers: IncomingHttpHeaders; url: string | undefined }[] = [];
  const server = createServer((req, res) => {
    seen.push({ headers: req.headers, url: req.url });
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  let received = 0;
  socket.on('data', () => received++).on('error', () => {});
  const name = fc.stringMatching(/^[!#$%&'*+.^_`|~\w-]{1,12}$/);
  const value = fc.stringMatching(/^[\t -~]{0,20}$/);
  const reserved = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'upgrade', 'expect', 'te', 'trailer', 'content-encoding', '__proto__', 'keep-alive', 'proxy-connection']);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(name, value), { maxLength: 8, selector: ([key]) => key.toLowerCase() }), fc.constantFrom('/mcp', '/mcp/coding'), async (fields, url) => {
      const kept = fields.filter(([key]) => !reserved.has(key.toLowerCase()));
      const head = `POST ${url} HTTP/1.1\r\nHost: h\r\n${kept.map(([key, text]) => `${key}:${text}\r\n`).join('')}Content-Length: 0\r\n`;
      const ours = readPlainHead(head);
      const before = seen.length;
      socket.write(`${head}\r\n`);
      await until('node:http has read it', () => seen.length > before);
      expect({ url: ours?.url, headers: { ...ours?.headers } }).toEqual({ url: seen.at(-1)?.url, headers: { ...seen.at(-1)?.headers } });
    }),
    { numRuns: 200 },
  );
  socket.destroy();
  server.close();
});

test('a client that goes away in the middle of a plain call cancels it, and others go on [HTTP-9]', async () => {
  const { socket } = dial();
  const from = up.calls().length;
  socket.write(post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__slow', arguments: {} } })));
  await until('the call is under way', () => up.calls().length === from + 1);
  socket.destroy();
  await gateway.record('the end of the call', ({ kind, code }) => kind === 'outcome' && code === 'cancelled');
  const other = dial();
  other.socket.write(post(call(1, 'still here')));
  await until('the other is answered', () => other.text().includes('still here'));
});
