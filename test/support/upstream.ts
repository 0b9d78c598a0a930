/**
 * A tool server written by hand, in the test's own process: it keeps every byte and header that it was sent, answers with
 * the very text that a test gives it, and can be taken away and brought back on the same port.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly params: Record<string, unknown>;
}

export interface UpstreamCall {
  readonly id: number;
  readonly name: string;
  readonly args: Record<string, unknown>;
  readonly progressToken: unknown;
  /** JSON of a result, or of part of a message: `"error":{...}` where it begins so. */
  answer(text: string): void;
  progress(params: object): void;
}

export interface UpstreamOptions {
  readonly era?: 'legacy' | 'modern';
  readonly tools?: readonly object[];
  /** The list as JSON, where it must hold what no object of ours can. */
  readonly listText?: string;
  readonly onCall?: (call: UpstreamCall) => void;
  readonly ttlMs?: number;
  readonly atEnd?: (end: () => Promise<void>) => void;
}

export interface Upstream {
  /** What stands under `servers:` for it. */
  readonly server: { readonly url: string };
  readonly received: Received[];
  /** Bodies of the calls that came. */
  calls(): Received[];
  /** Names of the tools whose calls were cancelled, by notification or by closing the stream. */
  readonly cancelled: string[];
  /** Other tools from now on, and the gateway is told. */
  setTools(tools: readonly object[]): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const textResult = (text: string): string => JSON.stringify({ content: [{ type: 'text', text }] });
export const tool = (name: string, more: object = {}): object => ({ name, inputSchema: { type: 'object' }, ...more });
const echo = (call: UpstreamCall): void => call.answer(textResult(JSON.stringify(call.args)));

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { era = 'legacy', onCall = echo } = options;
  let tools = options.tools ?? [tool('echo')];
  let port = 0;
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  const received: Received[] = [];
  const cancelled: string[] = [];
  const underWay = new Map<number, string>();
  const listeners = new Set<(message: object) => void>();

  function results(method: string): object | undefined {
    const common = era === 'modern' ? { resultType: 'complete' } : {};
    switch (method) {
      case 'initialize':
        return era === 'legacy' ? { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: { name: 'hand', version: '1' } } : undefined;
      case 'server/discover':
        return era === 'modern' ? { ...common, supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } }, ttlMs: 1000, cacheScope: 'public' } : undefined;
      case 'tools/list':
        return { ...common, tools, ...(era === 'modern' ? { ttlMs: options.ttlMs ?? 60_000, cacheScope: 'public' } : {}) };
      default:
        return undefined;
    }
  }

  function call(id: number, params: Record<string, unknown>, res: ServerResponse): void {
    const name = params['name'] as string;
    const meta = params['_meta'] as Record<string, unknown> | undefined;
    let streaming = false;
    underWay.set(id, name);
    res.once('close', () => {
      if (underWay.delete(id)) cancelled.push(name);
    });
    const message = (text: string): void => {
      streaming ||= true;
      if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(`data: ${text}\n\n`);
    };
    onCall({
      id,
      name,
      args: (params['arguments'] ?? {}) as Record<string, unknown>,
      progressToken: meta?.['progressToken'],
      answer(text) {
        underWay.delete(id);
        const body = `{"jsonrpc":"2.0","id":${id},${text.startsWith('"error"') ? text : `"result":${text}`}}`;
        if (!streaming) return void res.writeHead(200, { 'content-type': 'application/json' }).end(body);
        message(body);
        res.end();
      },
      progress: (progress) => message(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: meta?.['progressToken'], ...progress } })),
    });
  }

  function listen(res: ServerResponse, id?: number): void {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
    const stamp = id === undefined ? {} : { _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
    const say = (message: { method: string }): void => void res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message, params: { ...stamp, ...(message.method.includes('ack') ? { notifications: { toolsListChanged: true } } : {}) } })}\n\n`);
    if (id !== undefined) say({ method: 'notifications/subscriptions/acknowledged' });
    const listener = say as (message: object) => void;
    listeners.add(listener);
    res.once('close', () => listeners.delete(listener));
  }

  function handle(req: IncomingMessage, res: ServerResponse): void {
    if (req.method === 'GET') return era === 'legacy' ? listen(res) : void res.writeHead(405).end();
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      if (req.method !== 'POST') return void res.writeHead(200).end();
      const { id, method, params = {} } = JSON.parse(body) as { id?: number; method: string; params?: Record<string, unknown> };
      received.push({ method, headers: req.headers, body, params });
      if (method === 'notifications/cancelled') {
        const name = underWay.get(params['requestId'] as number);
        if (name !== undefined && underWay.delete(params['requestId'] as number)) cancelled.push(name);
      }
      if (id === undefined) return void res.writeHead(202).end();
      if (method === 'tools/call') return call(id, params, res);
      if (method === 'subscriptions/listen') return listen(res, id);
      const result = results(method);
      const headers = { 'content-type': 'application/json', ...(method === 'initialize' ? { 'mcp-session-id': 'upstream-session' } : {}) };
      if (result === undefined) return void res.writeHead(era === 'modern' ? 404 : 400, headers).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } }));
      const text = JSON.stringify({ jsonrpc: '2.0', id, result });
      res.writeHead(200, headers).end(options.listText === undefined ? text : text.replace(/"tools":\[.*?\]/, () => `"tools":${options.listText}`));
    });
  }

  async function start(): Promise<void> {
    const made = createServer(handle);
    server = made;
    made.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
    port = (made.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    const stopping = server;
    server = undefined;
    if (stopping === undefined) return;
    const stopped = new Promise((resolve) => stopping.close(resolve));
    for (const socket of sockets) socket.destroy();
    await stopped;
  }

  await start();
  (options.atEnd ?? onTestFinished)(stop);
  return {
    server: { url: `http://127.0.0.1:${port}/mcp` },
    received,
    calls: () => received.filter(({ method }) => method === 'tools/call'),
    cancelled,
    setTools(next) {
      tools = next;
      for (const listener of listeners) listener({ method: 'notifications/tools/list_changed' });
    },
    stop,
    start,
  };
}
