/** What the tests of `signalbox stdio` share: a place of its own for each, bridges as processes, and everything ended afterwards. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createLedgerReader, readGatewayInfo } from '../../store/index.ts';

export const NODE = process.execPath;
export const SIGNALBOX = new URL('../../bin/signalbox', import.meta.url).pathname;
const FIXTURE = new URL('../fixtures/sdk1-server.ts', import.meta.url).pathname;

export interface Place {
  readonly config: string;
  readonly dataDir: string;
  /** Arguments of `signalbox stdio` here. */
  readonly args: string[];
  /** What the tools really executed. */
  executed(): string[];
  /** The process that describes itself in the data directory. */
  gatewayPid(): number | undefined;
  records(): Record<string, unknown>[];
}

/** @param more configuration besides the one server `up` */
export function newPlace(more = ''): Place {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-stdio-'));
  const config = join(dir, 'signalbox.yaml');
  const dataDir = join(dir, 'data');
  const executions = join(dir, 'executions');
  writeFileSync(executions, '');
  const server = { command: NODE, args: [FIXTURE, 'stdio'], env: { EXECUTIONS: executions } };
  writeFileSync(config, `data: ./data\nservers:\n  up: ${JSON.stringify(server)}\n${more}`);
  const gatewayPid = (): number | undefined => readGatewayInfo(dataDir)?.pid;
  onTestFinished(async () => {
    const pid = gatewayPid();
    if (pid !== undefined && isAlive(pid)) {
      process.kill(pid, 'SIGTERM');
      await until(() => !isAlive(pid), 'the gateway has gone');
    }
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    config,
    dataDir,
    args: [SIGNALBOX, 'stdio', '-c', config],
    executed: () => readFileSync(executions, 'utf8').split('\n').filter((line) => line !== ''),
    gatewayPid,
    records() {
      const reader = createLedgerReader(dataDir);
      const records = reader.after(0, 10_000).map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      reader.close();
      return records;
    },
  };
}

export interface Message {
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
  result?: Record<string, unknown> & { content?: { text: string }[]; isError?: boolean; protocolVersion?: string; tools?: { name: string }[] };
  error?: { code: number; message: string; data?: Record<string, unknown> };
}

/** A bridge that is spoken to line by line. */
export interface Bridge {
  readonly process: ChildProcessWithoutNullStreams;
  readonly received: (Message | Message[])[];
  readonly ended: Promise<number | null>;
  stderr(): string;
  send(message: object): void;
  write(text: string): void;
  answerTo(id: string | number | null): Promise<Message>;
  /** Sends a request and waits for its answer. */
  ask(id: string | number, method: string, params?: object): Promise<Message>;
  /** The 2025 handshake. */
  open(protocolVersion?: string): Promise<Message>;
}

export function startBridge(place: Place, more: readonly string[] = [], env: Record<string, string> = {}): Bridge {
  const child = spawn(NODE, [...place.args, ...more], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  const received: (Message | Message[])[] = [];
  let rest = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    // Whatever is on stdout must be a message: what is none fails the test that reads it.
    for (const line of lines) received.push(JSON.parse(line) as Message);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => {});
  onTestFinished(() => void child.kill('SIGKILL'));
  const send = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  async function answerTo(id: string | number | null): Promise<Message> {
    const isAnswer = (message: Message | Message[]): message is Message => !Array.isArray(message) && message.id === id && message.method === undefined;
    await until(() => received.some(isAnswer), `an answer to ${JSON.stringify(id)}; stderr: ${errors}`);
    return received.find(isAnswer) as Message;
  }
  const ask = (id: string | number, method: string, params?: object): Promise<Message> => {
    send({ id, method, ...(params === undefined ? {} : { params }) });
    return answerTo(id);
  };
  return {
    process: child,
    received,
    ended: new Promise((resolve) => child.once('exit', resolve)),
    stderr: () => errors,
    send,
    write: (text) => void child.stdin.write(text),
    answerTo,
    ask,
    async open(protocolVersion = '2025-11-25') {
      const answer = await ask('open', 'initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } });
      send({ method: 'notifications/initialized' });
      return answer;
    },
  };
}

/** `params` of a request of the 2026 era. */
export const modern = (params: object = {}): object => ({
  ...params,
  _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, ...(params as { _meta?: object })._meta },
});

export const record = (id: string): object => ({ name: 'up__record', arguments: { id } });
export const slow = (steps: number, stepMs: number): object => ({ name: 'up__slow', arguments: { steps, stepMs } });

const WITHIN_MS = 20_000;

export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + WITHIN_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${WITHIN_MS} ms in vain for: ${what}`);
    await delay(10);
  }
}

/** Running, not merely unburied by its parent. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Processes that this one started, and those that they started. */
export function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((text) => text !== '').map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Gateways that run on a data directory, whether or not they are the one that describes itself there. */
export function gatewaysOn(dataDir: string, all: readonly number[]): number[] {
  return all.filter((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return args.includes('serve') && args.includes(dataDir) && isAlive(pid);
    } catch {
      return false;
    }
  });
}
