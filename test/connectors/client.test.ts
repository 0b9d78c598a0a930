/** The HTTP client of the call path against real sockets: no answer meets another's request, and nothing is lost unseen. */
import { lookup as systemLookup } from 'node:dns';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { createAddressGuard } from '../../connectors/http/address.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../connectors/http/client/client.ts';
import type { Posting, PostFault } from '../../connectors/http/client/posting.ts';
import { until } from './harness.ts';

const endings: (() => void)[] = [];
afterEach(() => {
  for (const ending of endings.splice(0).toReversed()) ending();
});

interface Peer {
  readonly port: number;
  readonly sockets: Socket[];
  /** Every request, as it came. */
  readonly requests: { readonly socket: Socket; readonly text: string }[];
}

/** A server of raw sockets: `onRequest` gets each whole request with its number. */
async function peer(onRequest: (socket: Socket, text: string, n: number) => void, server: Server = createServer()): Promise<Peer> {
  const sockets: Socket[] = [];
  const requests: Peer['requests'] = [];
  server.on(server.listeners('secureConnection').length > 0 || 'setTicketKeys' in server ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)\r\n/.exec(text)?.[1]);
        if (end === 3 || text.length < end + length) return;
        const whole = text.slice(0, end + length);
        text = text.slice(end + length);
        requests.push({ socket, text: whole });
        onRequest(socket, whole, requests.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, requests };
}

function clientOf(port: number, more: Partial<HttpClientOptions> = {}): HttpClient {
  const client = createHttpClient({ url: new URL(`http://127.0.0.1:${port}/`), hostField: undefined, lookup: createAddressGuard().lookup, connectTimeoutMs: 5_000, connections: 4, ...more });
  endings.push(() => client.close());
  return client;
}

type Told = { status: number; body: string } | PostFault;
type Sent = Posting & { readonly told: Promise<Told>; readonly tellings: number };

function posting(body: string, head = 'POST / HTTP/1.1\r\nhost: x\r\n'): Sent {
  const { promise, resolve } = Promise.withResolvers<Told>();
  const parts: Buffer[] = [];
  let status = 0;
  return {
    head,
    body,
    carrier: undefined,
    told: promise,
    tellings: 0,
    onHead(given) {
      status = given.status;
    },
    onBody(bytes, from, to, last) {
      parts.push(Buffer.from(bytes.subarray(from, to)));
      if (!last) return;
      (this as { tellings: number }).tellings++;
      resolve({ status, body: Buffer.concat(parts).toString() });
    },
    onFault(fault) {
      (this as { tellings: number }).tellings++;
      resolve(fault);
    },
  };
}

function post(client: HttpClient, body: string): Sent {
  const sent = posting(body);
  client.post(sent);
  return sent;
}

const answer = (body: string, more = ''): string => `HTTP/1.1 200 OK\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const bodyOf = (text: string): string => Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1').toString();
const echo = (socket: Socket, text: string): void => void socket.write(answer(bodyOf(text)));

test('a connection is used again, for one request at a time', async () => {
  const { port, sockets, requests } = await peer((socket, text) => void setImmediate(echo, socket, text));
  const client = clientOf(port, { connections: 1 });
  const sent = Array.from({ length: 50 }, (_, n) => post(client, `${n}`));
  expect(await Promise.all(sent.map((each) => each.told))).toEqual(sent.map((each) => ({ status: 200, body: each.body })));
  expect(sockets).toHaveLength(1);
  expect(requests.map((each) => bodyOf(each.text))).toEqual(sent.map((each) => each.body));
});

test('never more connections than allowed, and who waits is served in order', async () => {
  const held: (() => void)[] = [];
  const { port, sockets, requests } = await peer((socket, text) => void held.push(() => echo(socket, text)));
  const client = clientOf(port, { connections: 3 });
  const sent = Array.from({ length: 8 }, (_, n) => post(client, `${n}`));
  await until('three are under way', () => requests.length === 3);
  for (let n = 0; n < 8; n++) (await until('a request', () => held.shift()))();
  await Promise.all(sent.map((each) => each.told));
  expect(sockets).toHaveLength(3);
  expect(requests.slice(3).map((each) => bodyOf(each.text))).toEqual(['3', '4', '5', '6', '7']);
});

test.each(['ascii', 'Größe 世界 😀', `${'x'.repeat(3_000_000)}é`, 'y'.repeat(3_000_000)])('a body arrives and comes back as it is', async (body) => {
  const { port } = await peer(echo);
  const sent = posting(body, 'POST / HTTP/1.1\r\nhost: x\r\nx-name: Gr\xf6\xdfe\r\n');
  clientOf(port).post(sent);
  expect(await sent.told).toEqual({ status: 200, body });
});

test('a field that is Latin-1 goes out as Latin-1 whatever the body is', async () => {
  const { port, requests } = await peer(echo);
  const client = clientOf(port);
  for (const body of ['ascii', '世界']) {
    const sent = posting(body, 'POST / HTTP/1.1\r\nx-name: Gr\xf6\xdfe\r\n');
    client.post(sent);
    await sent.told;
  }
  expect(requests.map((each) => /x-name: (.*)\r/.exec(each.text)?.[1])).toEqual(['Gr\xf6\xdfe', 'Gr\xf6\xdfe']);
});

test('bytes after an answer end the connection, and the next request gets its own answer', async () => {
  const { port, sockets } = await peer((socket, text, n) => void socket.write(n === 1 ? answer('first') + answer('smuggled') : answer(bodyOf(text))));
  const client = clientOf(port);
  expect(await post(client, 'a').told).toEqual({ status: 200, body: 'first' });
  expect(await post(client, 'b').told).toEqual({ status: 200, body: 'b' });
  expect(sockets).toHaveLength(2);
});

test('bytes that nobody asked for end an idle connection', async () => {
  const { port, sockets } = await peer(echo);
  const client = clientOf(port);
  await post(client, 'a').told;
  sockets[0]?.write(answer('early'));
  await until('it is closed', () => sockets[0]?.destroyed === true || sockets[0]?.readableEnded === true);
  expect(await post(client, 'b').told).toEqual({ status: 200, body: 'b' });
  expect(sockets).toHaveLength(2);
});

test.each([['with its answer', true], ['a while after it', false]])('a peer that closes %s costs no call', async (_name, atOnce) => {
  const { port, sockets } = await peer((socket, text) => (atOnce ? void socket.end(answer(bodyOf(text))) : echo(socket, text)));
  const client = clientOf(port);
  for (let n = 0; n < 5; n++) {
    expect(await post(client, `${n}`).told).toEqual({ status: 200, body: `${n}` });
    const socket = sockets.at(-1) as Socket;
    if (!atOnce) socket.end();
    await until('both ends are closed', () => socket.destroyed);
  }
  expect(sockets).toHaveLength(5);
});

test('an answer that ends with the connection is whole, and the connection is not used again', async () => {
  const { port, sockets } = await peer((socket, text) => void socket.end(`HTTP/1.1 200 OK\r\n\r\n${bodyOf(text)}`));
  const client = clientOf(port);
  expect(await post(client, 'a').told).toEqual({ status: 200, body: 'a' });
  expect(await post(client, 'b').told).toEqual({ status: 200, body: 'b' });
  expect(sockets).toHaveLength(2);
});

test.each([
  ['resets before it answers', (socket: Socket) => void socket.resetAndDestroy()],
  ['closes before it answers', (socket: Socket) => void socket.end()],
  ['closes within the head', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
  ['closes within the body', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive!')],
  ['closes within a chunk', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nfive!')],
])('a peer that %s is told once as lost, on a connection that was used before as well', async (_name, onRequest) => {
  const { port, requests } = await peer((socket, text, n) => (n === 1 ? echo(socket, text) : onRequest(socket)));
  const client = clientOf(port);
  await post(client, 'a').told;
  const sent = post(client, 'b');
  expect(await sent.told).toMatchObject({ type: 'lost', error: { code: 'ECONNRESET' } });
  expect(sent.tellings).toBe(1);
  // Never sent a second time by itself.
  expect(requests.map((each) => bodyOf(each.text))).toEqual(['a', 'b']);
});

test('garbage is told as malformed, and the connection ends', async () => {
  const { port, sockets } = await peer((socket, text, n) => (n === 1 ? void socket.write('HTTP/1.1 200 OK\ncontent-length: 0\n\n') : echo(socket, text)));
  const client = clientOf(port);
  expect(await post(client, 'a').told).toMatchObject({ type: 'malformed' });
  expect(await post(client, 'b').told).toEqual({ status: 200, body: 'b' });
  expect(sockets).toHaveLength(2);
});

test('where nothing listens, nothing was sent, for who waits as well', async () => {
  const { port } = await peer(echo);
  for (const ending of endings.splice(0)) ending();
  const client = clientOf(port, { connections: 1 });
  const sent = [post(client, 'a'), post(client, 'b'), post(client, 'c')];
  for (const each of sent) expect(await each.told).toMatchObject({ type: 'unsent', error: { code: 'ECONNREFUSED' } });
});

test('a name that resolves to a metadata address is not dialled', async () => {
  const resolve = ((_host: string, _options: object, done: (error: null, found: object[]) => void) => done(null, [{ address: '169.254.169.254', family: 4 }])) as never;
  const client = clientOf(1, { url: new URL('http://metadata.example/'), lookup: createAddressGuard(resolve).lookup });
  expect(await post(client, 'a').told).toMatchObject({ type: 'unsent', error: { code: 'FORBIDDEN_ADDRESS' } });
});

test('an abort ends the connection, tells nothing, and lets the next in', async () => {
  const { port, sockets, requests } = await peer((socket, text, n) => (n === 1 ? undefined : echo(socket, text)));
  const client = clientOf(port, { connections: 1 });
  const [held, waiting, next] = [post(client, 'held'), post(client, 'waiting'), post(client, 'next')];
  await until('the first is there', () => requests.length === 1);
  client.abort(waiting);
  client.abort(held);
  expect(await next.told).toEqual({ status: 200, body: 'next' });
  client.abort(next); // It is over: nobody else's connection ends by it.
  expect(await post(client, 'after').told).toEqual({ status: 200, body: 'after' });
  expect(sockets).toHaveLength(2);
  expect([held.tellings, waiting.tellings]).toEqual([0, 0]);
  expect(requests.map((each) => bodyOf(each.text))).toEqual(['held', 'next', 'after']);
});

test('a peer that says how long it waits is not written to after that', async () => {
  const { port, sockets } = await peer((socket, text) => void socket.write(answer(bodyOf(text), 'keep-alive: timeout=1\r\n')));
  const client = clientOf(port);
  await post(client, 'a').told;
  await post(client, 'b').told;
  expect(sockets).toHaveLength(2);
});

test('an idle connection is closed by itself before the peer would', async () => {
  const { port, sockets } = await peer((socket, text) => void socket.write(answer(bodyOf(text), 'Keep-Alive: timeout=2, max=100\r\n')));
  await post(clientOf(port), 'a').told;
  await until('it is closed', () => sockets[0]?.readableEnded === true, 4_000);
});

test('an answer that comes before the request was read ends the connection', async () => {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.pause();
    socket.write(answer('no more'));
  });
  const sockets: Socket[] = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const client = clientOf((server.address() as AddressInfo).port);
  expect(await post(client, 'x'.repeat(30_000_000)).told).toEqual({ status: 200, body: 'no more' });
  const second = post(client, 'b');
  expect(await second.told).toEqual({ status: 200, body: 'no more' });
  expect(sockets).toHaveLength(2);
});

test('over TLS: the name is checked, the authority is checked, and connections are kept', async () => {
  const pem = readFileSync(new URL('localhost.pem', import.meta.url), 'utf8');
  const { port, sockets } = await peer(echo, createTlsServer({ key: pem, cert: pem }));
  const trusted = getCACertificates('default');
  const over = (host: string) => clientOf(port, { url: new URL(`https://${host}:${port}/`), lookup: createAddressGuard(((_name: string, _options: object, done: (error: null, found: object[]) => void) => done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof systemLookup).lookup });
  expect(await post(over('localhost'), 'a').told).toMatchObject({ type: 'unsent', error: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  setDefaultCACertificates([...trusted, pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'))]);
  try {
    expect(await post(over('other.example'), 'a').told).toMatchObject({ type: 'unsent', error: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    const before = sockets.length;
    const client = over('localhost');
    for (const body of ['a', 'Größe', 'z'.repeat(500_000)]) expect(await post(client, body).told).toEqual({ status: 200, body });
    expect(sockets.length - before).toBe(1);
    expect(await post(over('127.0.0.1'), 'by address').told).toEqual({ status: 200, body: 'by address' });
  } finally {
    setDefaultCACertificates(trusted);
  }
});
