/** What the commands' tests share: a home and a folder of their own for each, and the real program run in it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const SIGNALBOX = new URL('../../bin/signalbox', import.meta.url).pathname;
const SERVER = new URL('./server.ts', import.meta.url).pathname;

/** One of its tools says hostile things, so that it is seen how they are printed: it must not be quarantined for them. */
export const SERVERS = `data: ./data\nlisten: { port: 0 }\nscan: { mode: warn }\nservers:\n  up: ${JSON.stringify({ command: process.execPath, args: [SERVER] })}\n`;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Place {
  readonly dir: string;
  readonly home: string;
  readonly data: string;
  write(name: string, text: string): string;
  run(...args: string[]): Promise<Ended>;
  /** Runs until it is killed; killed when the test has ended. */
  start(node: string, ...args: string[]): Running;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out(): string;
  err(): string;
}

/** @param config text of its signalbox.yaml; none without it */
export function newPlace(config?: string): Place {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
  const home = join(dir, 'home');
  const work = join(dir, 'work');
  mkdirSync(home);
  mkdirSync(work);
  const running = new Set<ChildProcess>();
  const write = (name: string, text: string): string => {
    const path = join(work, name);
    writeFileSync(path, text);
    return path;
  };
  if (config !== undefined) write('signalbox.yaml', config);
  onTestFinished(async () => {
    for (const child of running) child.kill('SIGKILL');
    await until(() => running.size === 0);
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });

  function start(node: string, ...args: string[]): Running {
    const env = { PATH: process.env['PATH'] ?? '', HOME: home };
    const child = spawn(node, [SIGNALBOX, ...args], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code) => {
        running.delete(child);
        resolve({ code, out, err });
      });
    });
    return { child, ended, out: () => out, err: () => err };
  }

  return { dir: work, home, data: join(work, 'data'), write, start, run: (...args) => start(process.execPath, ...args).ended };
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
