/**
 * Sees to it that no child outlives the gateway, not even when the gateway is killed with -9: a tiny shell of its own
 * session reads process groups on its standard input, and kills those still listed when that input ends.
 * On Windows it does nothing; there, children of a killed gateway end when their standard input closes.
 */
import { spawn, type ChildProcess } from 'node:child_process';

export interface Reaper {
  /** Call at once after the spawn, before anything is awaited. */
  watch(groupId: number): void;
  /** The group is known to be gone. */
  release(groupId: number): void;
  /** Lets the watcher go; what is still listed is killed by it. */
  close(): void;
}

/**
 * Static: nothing of the configuration gets into it. `+ N` lists group N, `- N` takes it off; only digits are taken.
 * Signals that would end the watcher together with the gateway (a terminal's, a service manager's) are ignored.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT PIPE
groups=' '
while read -r op group; do
  case "$group" in ''|*[!0-9]*|0|1) continue;; esac
  case "$op" in
    +) groups="$groups$group ";;
    -) case "$groups" in *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}";; esac;;
  esac
done
[ "$groups" = ' ' ] && exit 0
alive() { for group in $groups; do kill -0 -"$group" 2>/dev/null && return 0; done; return 1; }
for group in $groups; do kill -TERM -"$group" 2>/dev/null; done
for wait in 1 2 3 4 5 6 7 8 9 10; do alive || exit 0; sleep 0.1; done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
exit 0
`;

export function createReaper(): Reaper {
  if (process.platform === 'win32') return { watch() {}, release() {}, close() {} };
  const groups = new Set<number>();
  let watcher: ChildProcess | undefined;
  let closed = false;

  function start(): ChildProcess {
    const started = spawn('/bin/sh', ['-c', SCRIPT], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd: '/',
    });
    started.unref();
    (started.stdin as unknown as { unref?(): void }).unref?.();
    started.stdin?.on('error', () => {}); // A dead watcher is seen by its exit.
    const gone = (): void => {
      if (watcher !== started) return;
      watcher = undefined;
      if (!closed && groups.size > 0) tellAll(start());
    };
    started.once('exit', gone);
    watcher = started;
    return started;
  }

  function tellAll(to: ChildProcess): void {
    for (const group of groups) to.stdin?.write(`+ ${group}\n`);
  }

  return {
    watch(groupId) {
      if (closed) return;
      groups.add(groupId);
      if (watcher === undefined) tellAll(start());
      else watcher.stdin?.write(`+ ${groupId}\n`);
    },
    release(groupId) {
      if (groups.delete(groupId)) watcher?.stdin?.write(`- ${groupId}\n`);
    },
    close() {
      closed = true;
      watcher?.stdin?.end();
      watcher = undefined;
    },
  };
}
