/**
 * The least that a gateway can do, written by hand: the yardstick. `--url URL` passes each request on to an HTTP
 * upstream, body as it came and headers copied; `-- COMMAND ARGS` passes it on to a stdio child, with the id rewritten
 * so that clients cannot collide. No policy, no limits, no record, no bounds: never for use.
 */
import { spawn } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { onLine } from './fixtures/lines.ts';

type Forward = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

const HOP_BY_HOP = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {};
  for (const name in headers) if (!HOP_BY_HOP.has(name)) kept[name] = headers[name];
  return kept;
}

function toHttp(url: string): Forward {
  const pool = new Pool(url, { connections: 128, pipelining: 1 });
  return (request, body, response) => {
    const forward = async (): Promise<void> => {
      const answer = await pool.request({
        path: request.url ?? '/',
        method: 'POST',
        headers: endToEnd(request.headers),
        body,
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      response.writeHead(answer.statusCode, { ...endToEnd(answer.headers), 'content-length': bytes.length }).end(bytes);
    };
    forward().catch((error: unknown) => response.writeHead(502).end(String(error)));
  };
}

interface Message {
  id?: number | string;
}

function toStdio(command: string, args: readonly string[]): Forward {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.on('exit', (code) => process.exit(code ?? 1));
  const waiting = new Map<number, { id: number | string; response: ServerResponse }>();
  let lastId = 0;
  onLine(child.stdout, (line) => {
    const message = JSON.parse(line) as Message;
    const call = waiting.get(message.id as number);
    if (call === undefined) return;
    waiting.delete(message.id as number);
    message.id = call.id;
    const bytes = Buffer.from(JSON.stringify(message));
    call.response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
  });
  return (_request, body, response) => {
    const message = JSON.parse(body.toString('utf8')) as Message;
    if (message.id === undefined) {
      response.writeHead(202).end();
    } else {
      lastId += 1;
      waiting.set(lastId, { id: message.id, response });
      message.id = lastId;
    }
    child.stdin.write(`${JSON.stringify(message)}\n`);
  };
}

const { values, positionals } = parseArgs({ options: { url: { type: 'string' } }, allowPositionals: true });
const [command, ...args] = positionals;
if (values.url === undefined && command === undefined) throw new Error('expected --url URL, or -- COMMAND ARGS');
const forward = values.url === undefined ? toStdio(command ?? '', args) : toHttp(values.url);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'POST') forward(request, Buffer.concat(chunks), response);
    else response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
