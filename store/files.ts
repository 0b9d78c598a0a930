/**
 * Files that only their owner may read: the data directory (0700) and what lies in it (0600).
 * It does not lock anything; see lock.ts.
 */
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

export const OWNER_ONLY_FILE = 0o600;
export const OWNER_ONLY_DIRECTORY = 0o700;

/** Makes the directory for its owner alone. One that is already there keeps the mode that its owner chose. */
export function ensureDataDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
}

/**
 * Makes an empty file where there is none and takes access from everyone else where there is one. A file that exists is
 * never opened: closing any descriptor of a file drops every POSIX lock that this process holds on it (fcntl(2)).
 */
export function ensurePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', OWNER_ONLY_FILE));
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    chmodSync(path, OWNER_ONLY_FILE);
  }
}

/** Puts the text in place whole or not at all; an earlier file is replaced. */
export function replacePrivateFile(path: string, text: string): void {
  withTemporary(path, text, (temporary) => renameSync(temporary, path));
}

/** Puts the text in place whole, unless there is a file already. Returns whether this call made it. */
export function createPrivateFile(path: string, text: string): boolean {
  return withTemporary(path, text, (temporary) => {
    try {
      linkSync(temporary, path);
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
  });
}

export const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

function withTemporary<T>(path: string, text: string, place: (temporary: string) => T): T {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = openSync(temporary, 'wx', OWNER_ONLY_FILE);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const placed = place(temporary);
    syncDirectory(dirname(path));
    return placed;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Makes the name durable, not only the contents. */
function syncDirectory(dir: string): void {
  const handle = openSync(dir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
