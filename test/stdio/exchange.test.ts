import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exchange, type ExchangeOptions } from '../../gateway/stdio/exchange.ts';
import { until } from './support.ts';

async function poolTo(listener: RequestListener): Promise<Pool> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { pipelining: 1 });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await pool.destroy();
  });
  return pool;
}

const post = (dispatcher: Pool, more: Partial<ExchangeOptions> = {}): ExchangeOptions => ({ dispatcher, method: 'POST', path: '/', headers: [], body: Buffer.from('{}'), ...more });

describe('an exchange', () => {
  it('hands on every event of a stream, however it is cut, and a body as it is', async () => {
    const events = Array.from({ length: 50 }, (_, n) => JSON.stringify({ n, text: 'grüße '.repeat(n) }));
    const pool = await poolTo((req, res) => {
      if (req.url === '/json') return void res.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}');
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = Buffer.from(`: comment\n\n${events.map((data) => `event: message\ndata: ${data}\n\n`).join('')}`);
      for (let at = 0; at < bytes.length; at += 7) res.write(bytes.subarray(at, at + 7));
      res.end();
    });
    const heard: string[] = [];
    const onMessage = (json: string | Buffer): void => void heard.push(json.toString());
    expect(await exchange(post(pool, { onMessage })).ending).toMatchObject({ type: 'complete', status: 200 });
    expect(heard).toEqual(events);
    await exchange(post(pool, { path: '/json', onMessage })).ending;
    expect(heard.at(-1)).toBe('{"a":1}');
  });

  it('reads no faster than its client does', async () => {
    let sent = 0;
    const total = 64 * 1024 * 1024;
    const pool = await poolTo((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = `data: ${'x'.repeat(64 * 1024)}\n\n`;
      const pump = (): void => {
        while (sent < total) {
          sent += event.length;
          if (!res.write(event)) return void res.once('drain', pump);
        }
        res.end();
      };
      pump();
    });
    let isFull = true;
    let resume = (): void => {};
    let heard = 0;
    const pace = { get isFull() { return isFull; }, whenDrained: (listener: () => void) => void (resume = listener) };
    const { ending } = exchange(post(pool, { pace, onMessage: () => heard++ }));
    await until(() => sent > 0, 'the server has begun');
    let before = -1;
    // Until what the sockets hold is full, and the server stands still.
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(total / 2);
    isFull = false;
    resume();
    await ending;
    expect(heard).toBe(Math.ceil(total / (64 * 1024 + 8)));
  });

  it('knows a request that never left from one that may have arrived', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const nowhere = new Pool(`http://127.0.0.1:${port}`);
    expect(await exchange(post(nowhere)).ending).toEqual({ type: 'not-sent' });
    await nowhere.destroy();
    expect(await exchange(post(nowhere)).ending).toEqual({ type: 'not-sent' });

    let arrived = 0;
    const pool = await poolTo((req) => {
      arrived++;
      req.socket.destroy();
    });
    expect(await exchange(post(pool)).ending).toEqual({ type: 'broken' });
    expect(arrived).toBe(1);
  });

  it('sends a request once, though its connection is closed under it again and again', async () => {
    let arrived = 0;
    const pool = await poolTo((req, res) => {
      arrived++;
      // Answers the first on each connection, and hangs up on the next: what a keep-alive race looks like.
      if (Object.hasOwn(req.socket, 'used')) return void req.socket.destroy();
      Object.assign(req.socket, { used: true });
      res.end('{}');
    });
    const endings: string[] = [];
    for (let n = 0; n < 20; n++) endings.push((await exchange(post(pool)).ending).type);
    expect(arrived).toBe(20);
    expect(new Set(endings)).toEqual(new Set(['complete', 'broken']));
  });

  it('that is aborted before it left never leaves', async () => {
    let arrived = 0;
    const pool = await poolTo((_req, res) => {
      arrived++;
      res.end('{}');
    });
    const first = exchange(post(pool));
    first.abort();
    await first.ending;
    await exchange(post(pool)).ending;
    expect(arrived).toBe(1);
  });
});
