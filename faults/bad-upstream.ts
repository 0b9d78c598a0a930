/**
 * A tool server over HTTP by hand that answers a call as its argument `how` says: well, never, byte by byte, with 500, with
 * what is no message, with a gigabyte, or with half an answer and a reset. Counts per `how` what reached it: GET /counts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly how?: string } };
}

const DRIP_MS = 20;
const GIGABYTE = 1024 ** 3;
const CHUNK = Buffer.alloc(1024 * 1024, 'x');
const counts = new Map<string, number>();

const resultOf = (id: number | undefined, text: string): string => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });

function drip(res: ServerResponse, text: string): void {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  let sent = 0;
  const timer = setInterval(() => {
    res.write(text[sent++]);
    if (sent === text.length) end();
  }, DRIP_MS);
  const end = (): void => {
    clearInterval(timer);
    res.end();
  };
  res.once('close', () => clearInterval(timer));
}

/** As fast as it is read. */
function flood(res: ServerResponse, head: string): void {
  res.writeHead(200, { 'content-type': 'application/json' });
  res.write(head);
  let left = GIGABYTE;
  const pour = (): void => {
    while (left > 0 && !res.destroyed) {
      left -= CHUNK.length;
      if (!res.write(CHUNK)) return void res.once('drain', pour);
    }
    res.end('"}]}}');
  };
  pour();
}

function answerCall({ id, params }: Request, res: ServerResponse): void {
  const how = params?.arguments?.how ?? 'well';
  counts.set(how, (counts.get(how) ?? 0) + 1);
  const json = { 'content-type': 'application/json' };
  if (how === 'hang') return;
  if (how === 'drip') return drip(res, resultOf(id, 'x'.repeat(2000)));
  if (how === 'fail') return void res.writeHead(503, json).end('{"error":"overloaded"}');
  if (how === 'garbage') return void res.writeHead(200, json).end('<html>502 Bad Gateway</html>');
  if (how === 'flood') return flood(res, `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
  if (how === 'reset') {
    const text = resultOf(id, 'half');
    res.writeHead(200, { ...json, 'content-length': text.length });
    return void res.write(text.slice(0, 20), () => res.socket?.resetAndDestroy());
  }
  res.writeHead(200, json).end(resultOf(id, how));
}

function answer(request: Request, res: ServerResponse): void {
  if (request.id === undefined) return void res.writeHead(202).end();
  if (request.method === 'tools/call') return answerCall(request, res);
  const results: Record<string, object> = {
    initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bad', version: '1' } },
    'tools/list': { tools: [{ name: 'act', inputSchema: { type: 'object' } }] },
  };
  const result = results[request.method];
  const body = result === undefined ? { error: { code: -32601, message: 'no such method' } } : { result };
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...body }));
}

function handle(req: IncomingMessage, res: ServerResponse): void {
  if (req.url === '/counts') return void res.end(JSON.stringify(Object.fromEntries(counts)));
  if (req.method !== 'POST') return void res.writeHead(405).end();
  let body = '';
  req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  req.once('end', () => answer(JSON.parse(body) as Request, res));
}

const server = createServer(handle);
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`));
