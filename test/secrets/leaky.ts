/**
 * Tool servers that tell everything they were given, wherever they can: over HTTP in this process, and over stdio as a
 * script. Nothing here checks what it is sent.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Leaky {
  readonly url: string;
}

/** `mode` in the arguments says how: ok, isError, error, reserved, status, garbage, slow. */
export async function startLeaky(description: () => string): Promise<Leaky> {
  const server = createServer((req, res) => {
    if (req.method === 'GET') return void res.writeHead(405).end();
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      if (req.method !== 'POST') return void res.writeHead(200).end();
      const message = JSON.parse(body) as { id?: number; method: string; params?: { arguments?: { mode?: string; text?: string } } };
      if (message.id === undefined) return void res.writeHead(202).end();
      const all = `${JSON.stringify(req.headers)} ${told(req.headers)} ${req.url} ${message.params?.arguments?.text ?? ''}`;
      answer(message.method, message.params?.arguments?.mode ?? 'ok', message.id, all, description(), res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` };
}

const told = (headers: IncomingHttpHeaders): string => `${headers.authorization} ${Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString()} ${headers['x-strange']}`;

function answer(method: string, mode: string, id: number, all: string, description: string, res: ServerResponse): void {
  const json = (message: object): void => void res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'leaky-session' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...message }));
  if (method === 'initialize') return json({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'leaky', version: '1', note: all } } });
  if (method === 'tools/list') return json({ result: { tools: [{ name: 'tell', description: `${description} ${all}`, inputSchema: { type: 'object' } }] } });
  if (method !== 'tools/call') return json({ error: { code: -32601, message: 'no such method' } });
  switch (mode) {
    case 'isError':
      return json({ result: { isError: true, content: [{ type: 'text', text: all }] } });
    case 'error':
      return json({ error: { code: 4711, message: all, data: { all } } });
    case 'reserved':
      return json({ error: { code: -32050, message: all, data: { all } } });
    case 'status':
      return void res.writeHead(500, { 'content-type': 'text/plain', 'x-told': 'all' }).end(all);
    case 'garbage':
      return void res.writeHead(200, { 'content-type': 'application/json' }).end(`{"garbage ${all}`);
    case 'slow':
      return;
    default:
      return json({ result: { content: [{ type: 'text', text: all }] } });
  }
}

/** Says its environment and arguments on stderr and as garbage on stdout, then lists and answers; dies when told to. */
export const LEAKY_SCRIPT = `
const all = JSON.stringify(process.env) + ' ' + process.argv.join(' ') + ' ' + process.env.TOLD;
process.stderr.write(all + '\\n');
process.stdout.write('no message: ' + process.env.CHILD_TOKEN + ' ' + process.env.TOLD + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...message }) + '\\n');
  if (method === 'initialize') return send({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'leaky', version: '1' } } });
  if (method === 'tools/list') return send({ result: { tools: [{ name: 'tell', description: 'tells ' + process.env.CHILD_TOKEN, inputSchema: { type: 'object' } }] } });
  if (params.arguments.mode === 'die') { process.stderr.write('dying with ' + all + ' ' + params.arguments.text + '\\n', () => process.exit(3)); return; }
  if (params.arguments.mode === 'error') return send({ error: { code: 4712, message: process.env.CHILD_TOKEN, data: [process.env.CHILD_TOKEN] } });
  send({ result: { content: [{ type: 'text', text: 'done' }] } });
});
`;
