/**
 * Starts a gateway that outlives whoever started it: a session of its own, nothing inherited, its words in a file of the
 * data directory. When it ends is its own business (`gateway/leases.ts`).
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface DaemonOptions {
  /** The program's entry file; run by the Node.js that runs this. */
  readonly entry: string;
  /** Absolute; absent where built-in defaults are used. */
  readonly config: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
}

export interface Daemon {
  /** Set once it has ended: its exit code (null for a signal), and what it wrote meanwhile. */
  readonly ended: { readonly code: number | null; readonly words: string } | undefined;
}

export const LOG_FILE = 'gateway.log';
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const MAX_WORDS_BYTES = 8 * 1024;

/** @throws Error when the data directory cannot be used, or no process be started */
export function startDaemon({ entry, config, dataDir }: DaemonOptions): Daemon {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, LOG_FILE);
  rotate(path);
  const log = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
  const before = fstatSync(log).size;
  let ended: Daemon['ended'];
  try {
    // The port is nobody's to know but those who read gateway.json, and only this machine's.
    const args = [entry, 'serve', '--ephemeral', ...(config === undefined ? [] : ['-c', config]), '--data', dataDir, '--host', '127.0.0.1', '--port', '0'];
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
    child.once('error', (error) => (ended = { code: 1, words: `The gateway could not be started: ${error.message}.` }));
    child.once('exit', (code) => (ended = { code, words: readFrom(path, before) }));
    child.unref();
  } finally {
    closeSync(log);
  }
  return {
    get ended() {
      return ended;
    },
  };
}

/** One old file is kept. Two that rotate at once lose at worst some of the older words. */
function rotate(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
}

function readFrom(path: string, start: number): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const buffer = Buffer.alloc(MAX_WORDS_BYTES);
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, start)).trim();
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
