/** strace as a tool of these cases: found, or installed from Debian; started around the gateway; its output read back. */
import { spawnSync } from 'node:child_process';

/**
 * `-f`: the writer is a thread. `--seccomp-bpf`: only the calls that are named stop, and the rest runs at its speed; a
 * signal in place of a call is not sent then (strace 6.1).
 * @throws where there is none and none can be installed
 */
export function straceWith(args: readonly string[], { isFast }: { readonly isFast: boolean }): string[] {
  if (!works()) install();
  return ['strace', '-f', ...(isFast ? ['--seccomp-bpf'] : []), '-qqq', ...args];
}

const works = (): boolean => spawnSync('strace', ['-f', '--seccomp-bpf', '-qqq', '-o', '/dev/null', '-e', 'trace=fdatasync', 'true']).status === 0;

function install(): void {
  for (const args of [['update', '-q'], ['install', '-q', '-y', '--no-install-recommends', 'strace']]) {
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  if (!works()) throw new Error('strace is needed: it is not here, cannot be installed ("apt-get install strace", as root), or may not trace (ptrace)');
}

/** A system call that has returned; `from` and `to` count lines of the trace: where it was entered, and where it came back. */
export interface SystemCall {
  readonly name: string;
  readonly thread: string;
  /** What its first argument stands for: a path, `pipe:[7]`, `TCP:[...]`. */
  readonly file: string;
  /** Its arguments as strace writes them. */
  readonly args: string;
  readonly result: string;
  readonly from: number;
  readonly to: number;
}

/** Reads what `strace -f -yy -o FILE` wrote. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { name: string; args: string; from: number }>();
  for (const [line, entry] of text.split('\n').entries()) {
    const whole = /^(\d+) +(\w+)\((.*)\) += (.*)$/s.exec(entry);
    const begun = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s.exec(entry);
    const resumed = /^(\d+) +<\.\.\. (\w+) resumed>.*\) += (.*)$/s.exec(entry);
    if (begun !== null) open.set(begun[1] as string, { name: begun[2] as string, args: begun[3] as string, from: line });
    else if (resumed !== null) {
      const start = open.get(resumed[1] as string);
      if (start !== undefined && start.name === resumed[2]) calls.push({ ...start, thread: resumed[1] as string, file: fileOf(start.args), result: resumed[3] as string, to: line });
      open.delete(resumed[1] as string);
    } else if (whole !== null) {
      const [, thread, name, args, result] = whole as unknown as [string, string, string, string, string];
      calls.push({ name, thread, args, file: fileOf(args), result, from: line, to: line });
    }
  }
  // Of a call that never returned, what it wrote has been handed over all the same.
  for (const [thread, { name, args, from }] of open) calls.push({ name, thread, args, file: fileOf(args), result: '?', from, to: Number.POSITIVE_INFINITY });
  return calls.sort((a, b) => a.from - b.from);
}

const fileOf = (args: string): string => /^\d+<(.*?)>(?:,|$)/s.exec(args)?.[1] ?? '';
