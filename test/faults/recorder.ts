/**
 * A tool server written by hand, over stdio or (first argument `http`) over HTTP, that keeps account outside of itself:
 * `record` appends its `id` to the file EXECUTIONS, and only then answers, `answerAfterMs` later, or goes round for ever
 * (`loop`). Over stdio it has a child of its own, as servers started through a package runner do. It checks nothing.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly id?: string; readonly answerAfterMs?: number; readonly loop?: boolean } };
}

const executions = process.env['EXECUTIONS'] as string;
const TOOLS = [{ name: 'record', inputSchema: { type: 'object' } }];

function answer({ id, method, params }: Request, send: (message: object) => void): void {
  if (method === 'initialize') return send({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'recorder', version: '1' } } });
  if (method === 'tools/list') return send({ id, result: { tools: TOOLS } });
  if (method !== 'tools/call') return send({ id, error: { code: -32601, message: 'no such method' } });
  const { id: execution, answerAfterMs = 0, loop = false } = params?.arguments ?? {};
  appendFileSync(executions, `${execution}\n`);
  while (loop);
  const done = (): void => send({ id, result: { content: [{ type: 'text', text: execution }] } });
  if (answerAfterMs > 0) setTimeout(done, answerAfterMs);
  else done();
}

function overStdio(): void {
  spawn('sleep', ['1000'], { stdio: 'ignore' });
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line) as Request;
    if (request.id !== undefined) answer(request, (message) => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`));
  });
}

function overHttp(): void {
  const server = createServer((req, res) => {
    if (req.method !== 'POST') return void res.writeHead(405).end();
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      const request = JSON.parse(body) as Request;
      if (request.id === undefined) return void res.writeHead(202).end();
      answer(request, (message) => void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...message })));
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`));
}

if (process.argv[2] === 'http') overHttp();
else overStdio();
