/** What the cases of faults share: a place, gateways as processes that may be killed in it, and their families of processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLedgerReader, readGatewayInfo } from '../../store/index.ts';
import type { RecordBody } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { mcpClient, type ClientOptions, type McpCaller } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { SIGNALBOX } from '../support/process.ts';

const RECORDER = new URL('./recorder.ts', import.meta.url).pathname;

export interface Place {
  /** HOME of every gateway here, and so of all that it starts. */
  readonly home: string;
  readonly dataDir: string;
  /** What stands under `servers:` for a recorder over stdio. */
  readonly recorder: { readonly command: string; readonly args: string[]; readonly env: Readonly<Record<string, string>> };
  /** Starts a recorder over HTTP, which is no child of any gateway. */
  startRecorder(): Promise<{ readonly url: string }>;
  /** Starts another script that says where it listens, and gives its address. */
  startServer(args: readonly string[]): Promise<string>;
  /** Ids that recorders executed, in order, as often as they did. */
  executed(): string[];
  /** Starts the program; it is killed when the test has ended. */
  start(config: object, how?: How): Started;
  /** Starts the program and waits until it answers. */
  serve(config: object, how?: How): Promise<Serving>;
  /** Where a gateway here reads its configuration. */
  readonly configPath: string;
  /** What is written into it for `config`. */
  configText(config: object): string;
  records(): RecordBody[];
  /** What the gateway that runs here says of itself. */
  status(): Promise<Status>;
}

export interface How {
  /** A program and its arguments that starts the gateway, such as a tracer. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Status {
  readonly pid: number;
  readonly config: { readonly hash: string };
  readonly ledger: { readonly ok: boolean; readonly problem?: string };
  readonly servers: readonly { readonly id: string; readonly pid?: number; readonly state: string; readonly breaker?: string }[];
  readonly approvals: { readonly waiting: number };
  readonly clockSetMs: number;
  readonly sessions: number;
  readonly subscriptions: number;
}

export interface PlaceOptions {
  /** Instead of a folder in the place. */
  readonly data?: string;
  /** Who ends what was started; vitest's `onTestFinished` unless told otherwise. */
  readonly atEnd?: (end: () => Promise<void>) => void;
  /** Script of the gateway; its sources unless told otherwise. */
  readonly program?: string;
}

export interface Started {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

export interface Serving extends Started {
  readonly url: string;
  /** From the spawn to the line that says that it listens. */
  readonly startMs: number;
  client(options?: ClientOptions): McpCaller;
}

export function newPlace({ data, atEnd = onTestFinished, program = SIGNALBOX }: PlaceOptions = {}): Place {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-faults-'));
  const home = join(dir, 'home');
  const dataDir = data ?? join(dir, 'data');
  const executions = join(dir, 'executions');
  mkdirSync(home);
  writeFileSync(executions, '');
  const running = new Set<Started>();
  atEnd(async () => {
    // Who runs under a tracer does not end with it.
    for (const { child } of running) for (const pid of [...descendants(child.pid as number), child.pid as number]) killSurely(pid);
    await Promise.all([...running].map(({ ended }) => ended));
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });

  function run(args: readonly string[], env: Readonly<Record<string, string>>, under: readonly string[] = []): Started {
    const [command, ...rest] = [...under, process.execPath, ...args] as [string, ...string[]];
    const child = spawn(command, rest, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const ended = new Promise<number | string | null>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    const started: Started = { child, out: () => out, err: () => err, ended };
    running.add(started);
    void ended.then(() => running.delete(started));
    return started;
  }

  const configPath = join(dir, 'signalbox.json');
  const configText = (config: object): string => JSON.stringify({ data: dataDir, listen: { port: 0 }, audit: { payloads: 'redacted' }, ...config });

  function start(config: object, { under, env }: How = {}): Started {
    writeFileSync(configPath, configText(config));
    return run([program, 'serve', '-c', configPath], { HOME: home, ...env }, under);
  }

  return {
    home,
    dataDir,
    recorder: { command: process.execPath, args: [RECORDER], env: { EXECUTIONS: executions } },
    startRecorder: async () => ({ url: await addressOf(run([RECORDER, 'http'], { EXECUTIONS: executions })) }),
    startServer: (args) => addressOf(run(args, {})),
    executed: () => readFileSync(executions, 'utf8').split('\n').filter((line) => line !== ''),
    start,
    configPath,
    configText,
    async status() {
      const { url, adminToken } = readGatewayInfo(dataDir) ?? {};
      return JSON.parse((await send(`${url}/admin/status`, { method: 'GET', headers: { authorization: `Bearer ${adminToken}` } })).text) as Status;
    },
    async serve(config, how) {
      const startedAt = performance.now();
      const started = start(config, how);
      const url = await addressOf(started);
      return { ...started, url, startMs: performance.now() - startedAt, client: (options) => mcpClient(url, options) };
    },
    records() {
      const reader = createLedgerReader(dataDir);
      try {
        return reader.after(0, 10_000_000).map(({ body }) => JSON.parse(body) as RecordBody);
      } finally {
        reader.close();
      }
    },
  };
}

const addressOf = (started: Started): Promise<string> =>
  until('the address that it listens on', () => {
    const { exitCode, signalCode } = started.child;
    if (exitCode !== null || signalCode !== null) throw new Error(`it ended with ${exitCode ?? signalCode}: ${started.err()}`);
    return /^listening on (\S+)$/m.exec(started.out())?.[1];
  }, 30_000);

/**
 * All that gateways of a place started and that still runs, found in two ways: by the HOME that they hand on, which finds
 * what lost its parent, and as descendants of a process, which finds what has an environment of its own.
 */
export const withHome = (home: string): number[] => processes().filter((pid) => isAlive(pid) && textOf(pid, 'environ').split('\0').includes(`HOME=${home}`));

export function descendants(pid: number): number[] {
  const children = textOf(pid, `task/${pid}/children`).split(' ').filter((text) => text !== '').map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

export function killSurely(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}

/** Running, not merely unburied by its parent. */
export const isAlive = (pid: number): boolean => /^\d+ \(.*\) [^ZX]/s.test(textOf(pid, 'stat'));

const processes = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);

/** Empty for a process that has gone meanwhile. */
function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Ends of calls by the id in their arguments, as the ledger tells them. */
export interface Account {
  /** Ids of intents, in order. */
  readonly intended: string[];
  /** What each id's intent was ended by; more than one is a fault. */
  readonly ends: ReadonlyMap<string, readonly RecordBody[]>;
}

export function accountOf(records: readonly RecordBody[]): Account {
  const idOf = new Map<unknown, string>();
  const ends = new Map<string, RecordBody[]>();
  const intended: string[] = [];
  for (const record of records) {
    if (record.kind === 'intent') {
      const { id } = record['args'] as { id: string };
      intended.push(id);
      idOf.set(record['call'], id);
      ends.set(id, []);
    } else if (record.kind === 'outcome' || record.kind === 'unknown') ends.get(idOf.get(record['call']) ?? '')?.push(record);
  }
  return { intended, ends };
}

export function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}

export const missingFrom = (known: Iterable<string>, ids: Iterable<string>): string[] => {
  const set = new Set(known);
  return [...ids].filter((id) => !set.has(id));
};
