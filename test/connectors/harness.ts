/** What the connector tests share: real servers as processes, connectors over them, and everything ended afterwards. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createMcpConnector, createReaper } from '../../connectors/index.ts';
import { CancelSource } from '../../core/cancel.ts';
import type { Progress } from '../../core/progress.ts';
import type { Connector, InvokeResult, Invocation } from '../../core/connector.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { HttpServerSettings, ServerSettings, StdioServerSettings } from '../../core/settings.ts';

export const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).pathname;
/** Not the `node` of PATH: the one that runs the tests can strip types. */
export const NODE = process.execPath;

type Common = Omit<HttpServerSettings, 'type' | 'url' | 'headers'>;
const common = (): Common => ({
  id: 'up',
  disabled: false,
  timeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  maxResponseBytes: 1024 * 1024,
  concurrency: 32,
  queue: 10_000,
  connectTimeoutMs: 15_000,
  idempotent: [],
});

export const stdioSettings = (file: string, args: string[] = [], more: Partial<StdioServerSettings> = {}): StdioServerSettings => ({
  ...common(),
  type: 'stdio',
  command: NODE,
  args: [fixture(file), ...args],
  env: {},
  ...more,
});

export const httpSettings = (url: string, more: Partial<HttpServerSettings> = {}): HttpServerSettings => ({
  ...common(),
  type: 'http',
  url,
  headers: {},
  ...more,
});

export interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface World {
  readonly lines: LogLine[];
  connect(settings: ServerSettings): Promise<Connector>;
  create(settings: ServerSettings): Connector;
  /** A fixture over HTTP; resolves with its origin. */
  serve(file: string, args: string[], env?: Record<string, string>): Promise<{ origin: string; process: ChildProcess }>;
  /** A hand-written server in this process; resolves with its origin. */
  raw(listener: RequestListener): Promise<string>;
  end(): Promise<void>;
}

export function createWorld(): World {
  const reaper = createReaper();
  const endings: (() => Promise<void> | void)[] = [];
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) => void lines.push({ level, fields: { ...fields }, message });
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log };

  const create = (settings: ServerSettings): Connector => {
    const connector = createMcpConnector({ settings, secrets: { resolve: (text) => text }, log, reaper, clientInfo: { name: 'test', version: '1' } });
    endings.push(() => connector.close(500));
    return connector;
  };
  return {
    lines,
    create,
    async connect(settings) {
      const connector = create(settings);
      connector.start();
      await connector.settled;
      return connector;
    },
    async serve(file, args, env = {}) {
      const child = spawn(NODE, [fixture(file), ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
      endings.push(() => void child.kill('SIGKILL'));
      for await (const line of createInterface({ input: child.stdout })) {
        const port = /^listening (\d+)$/.exec(line)?.[1];
        if (port !== undefined) return { origin: `http://127.0.0.1:${port}`, process: child };
      }
      throw new Error(`${file} ended before it listened`);
    },
    async raw(listener) {
      const server = createServer(listener);
      const sockets = new Set<Socket>();
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => sockets.delete(socket));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      endings.push(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    async end() {
      for (const ending of endings.toReversed()) await ending();
      reaper.close();
    },
  };
}

export function call(connector: Connector, tool: string, args: JsonObject = {}, more: Partial<Invocation> = {}): Promise<InvokeResult> {
  return connector.invoke({ tool, args, cancellation: new CancelSource(), ...more });
}

export function textOf(result: InvokeResult): string {
  if (result.type !== 'result') throw new Error(`no result: ${JSON.stringify(result)}`);
  return (result.result['content'] as { text: string }[])[0]?.text ?? '';
}

export async function until<T>(what: string, condition: () => T | undefined | false | Promise<T | undefined | false>, ms = 10_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export type { Progress };
