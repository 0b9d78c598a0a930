/** What the foreign clients meet: one gateway in front of real servers of every transport and era, and a key for it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startGateway, type TestGateway } from '../support/gateway.ts';

export const KEY = 'key-of-the-foreign-client';
const EVERYTHING = new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url).pathname;
const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).pathname;

export interface InteropWorld {
  readonly gateway: TestGateway;
  readonly url: string;
  /** What the fixtures' tools really did: `cancelled`, and the ids given to `record`. */
  executions(): string[];
  end(): Promise<void>;
}

export async function openWorld(): Promise<InteropWorld> {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-interop-'));
  const executions = join(dir, 'executions');
  writeFileSync(executions, '');
  const ends: (() => Promise<void> | void)[] = [() => rmSync(dir, { recursive: true, force: true })];

  async function serveFixture(...args: string[]): Promise<string> {
    const [file, ...rest] = args as [string, ...string[]];
    const child = spawn(process.execPath, [fixture(file), ...rest], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, EXECUTIONS: executions } });
    ends.push(() => void child.kill('SIGKILL'));
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^listening (\d+)$/.exec(line)?.[1];
      if (port !== undefined) return `http://127.0.0.1:${port}/mcp`;
    }
    throw new Error(`${file} ended before it listened`);
  }

  const [old, modern] = await Promise.all([serveFixture('sdk1-server.ts', 'http'), serveFixture('sdk2-server.ts', 'http', 'modern')]);
  const gateway = await startGateway(
    {
      servers: { everything: { command: process.execPath, args: [EVERYTHING, 'stdio'] }, old: { url: old }, new: { url: modern } },
      callers: [{ id: 'foreign', key: KEY }],
      rules: [{ id: 'all', effect: 'allow' }, { id: 'no-sum', effect: 'deny', tools: ['*/add'], when: 'args.a == 13.0' }],
      limits: [{ id: 'many', per: ['caller'], rate: '100000/min' }],
    },
    { atEnd: (end) => ends.push(end) },
  );
  return {
    gateway,
    url: `${gateway.url}/mcp`,
    executions: () => readFileSync(executions, 'utf8').split('\n').filter((line) => line !== ''),
    async end() {
      for (const end of ends.toReversed()) await end();
    },
  };
}

/** Tools that every client must see, one of each server. */
export const SOME_TOOLS = ['everything__echo', 'new__echo', 'old__echo'];
