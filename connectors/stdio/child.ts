/**
 * One child process in a group of its own: started without a shell, and ended so that nothing of its group is left.
 * It knows bytes and signals, no messages.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Reaper } from './reaper.ts';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly reaper: Reaper;
}

export interface ChildEnd {
  readonly error?: NodeJS.ErrnoException;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
}

export interface ChildEvents {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Once: it could not be started (`error`), or has exited and its output has been read. */
  gone(end: ChildEnd): void;
}

export interface Child {
  readonly pid: number | undefined;
  /** One line, with what else is written in the same turn of the loop. False where the child no longer takes input. */
  writeLine(text: string): boolean;
  /** Bytes written that the child has not read yet. */
  readonly unreadBytes: number;
  /** Standard input ends, then SIGTERM, then SIGKILL to the whole group, `graceMs` in all. */
  stop(graceMs: number): Promise<void>;
}

const POSIX = process.platform !== 'win32';
/** How long output may trail an exit: a grandchild that holds the pipe must not hide that its parent died. */
const OUTPUT_AFTER_EXIT_MS = 500;

export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const child: ChildProcessWithoutNullStreams = spawn(options.command, [...options.args], {
    env: options.env,
    cwd: options.cwd,
    detached: POSIX,
    shell: false,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const group = child.pid;
  if (group !== undefined) options.reaper.watch(group);

  let exited = false;
  let reported = false;
  let stopping: Promise<void> | undefined;
  const { promise: exit, resolve: markExited } = Promise.withResolvers<void>();

  function report(end: ChildEnd): void {
    if (reported) return;
    reported = true;
    markExited();
    events.gone(end);
  }

  child.stdout.on('data', (chunk: Buffer) => events.stdout(chunk));
  child.stderr.on('data', (chunk: Buffer) => events.stderr(chunk));
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {}); // Its exit tells.
  child.once('error', (error) => {
    if (group === undefined) report({ error });
  });
  child.once('exit', (code, signal) => {
    exited = true;
    // What the leader leaves behind in its group goes with it.
    if (stopping === undefined && group !== undefined) void endGroup(group, 1_000, options.reaper);
    const late = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, OUTPUT_AFTER_EXIT_MS);
    child.once('close', () => {
      clearTimeout(late);
      report({ code, signal });
    });
  });

  // Calls come in bursts, since they become durable together: one system call for all lines of a burst.
  let unwritten = '';
  function flush(): void {
    const text = unwritten;
    unwritten = '';
    if (text !== '' && child.stdin.writable) child.stdin.write(text);
  }

  function writeLine(text: string): boolean {
    if (exited || !child.stdin.writable) return false;
    if (unwritten === '') process.nextTick(flush); // Once all that was ready has run.
    unwritten += `${text}\n`;
    return true;
  }

  async function stop(graceMs: number): Promise<void> {
    flush();
    child.stdin.end();
    if (group === undefined) return;
    if (!exited) await within(exit, graceMs / 2);
    await endGroup(group, graceMs / 2, options.reaper);
    if (!exited && !POSIX) child.kill('SIGKILL');
    await within(exit, 2_000);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }

  return {
    pid: group,
    writeLine,
    get unreadBytes() {
      return child.stdin.writableLength + unwritten.length;
    },
    stop: (graceMs) => (stopping ??= stop(graceMs)),
  };
}

/** SIGTERM to the group, SIGKILL to what is left of it after `graceMs`; then the watcher may forget it. */
async function endGroup(group: number, graceMs: number, reaper: Reaper): Promise<void> {
  if (signalGroup(group, 'SIGTERM')) {
    const until = performance.now() + graceMs;
    while (signalGroup(group, 0) && performance.now() < until) await pause(20);
    if (signalGroup(group, 'SIGKILL')) for (let tries = 0; tries < 50 && signalGroup(group, 0); tries++) await pause(10);
  }
  reaper.release(group);
}

/** False where the group has no process left. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  if (!POSIX) return false;
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
