/** The lock file on the disk: read as it is now, replaced whole. Nothing here throws for what is wrong with the file. */
import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sha256Hex } from '../../core/json.ts';
import type { PinFile } from '../../core/pin.ts';
import { replaceFile } from '../clients/write.ts';
import { BrokenLock, formatLockFile, parseLockFile, type PinnedTools } from './lock-file.ts';

export interface PinReading {
  /** Holds no tools where there is a problem. */
  readonly file: PinFile;
  /** Why it cannot be read, in words. A file that is not there is no problem: nothing was reviewed yet. */
  readonly problem?: string;
}

const MAX_BYTES = 64 * 1024 * 1024;

export function readLock(path: string): PinReading {
  let text: string;
  try {
    if (statSync(path).size > MAX_BYTES) return { file: { path, tools: new Map(), hash: '' }, problem: `it is larger than ${MAX_BYTES} bytes` };
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const none = { file: { path, tools: new Map(), hash: '' } };
    return code === 'ENOENT' ? none : { ...none, problem: code };
  }
  const hash = sha256Hex(text);
  try {
    return { file: { path, tools: parseLockFile(text), hash } };
  } catch (error) {
    return { file: { path, tools: new Map(), hash }, problem: error instanceof BrokenLock ? error.message : String(error) };
  }
}

/** Why a change was not written, in words. */
export class LockNotWritten extends Error {
  override readonly name = 'LockNotWritten';
}

/**
 * Applies a change to what the file holds now.
 * @throws LockNotWritten, with the file as it was
 */
export function changeLock(path: string, change: (tools: Map<string, PinnedToolOf>) => void): PinReading {
  const before = readLock(path);
  if (before.problem !== undefined) throw new LockNotWritten(`${path} is broken (${before.problem}). Correct it first; nothing was written.`);
  const tools = new Map(before.file.tools);
  change(tools);
  try {
    const isNew = before.file.hash === '';
    if (isNew) mkdirSync(dirname(path), { recursive: true });
    const real = isNew ? path : realpathSync(path);
    const unchanged = (): boolean => readLock(path).file.hash === before.file.hash;
    if (!replaceFile(real, formatLockFile(tools), isNew ? 0o644 : statSync(real).mode & 0o7777, unchanged)) throw new LockNotWritten(`${path} was changed by somebody else just now. Nothing was written: try again.`);
  } catch (error) {
    if (error instanceof LockNotWritten) throw error;
    throw new LockNotWritten(`${path} cannot be written: ${(error as Error).message}.`);
  }
  return readLock(path);
}

type PinnedToolOf = PinnedTools extends ReadonlyMap<string, infer T> ? T : never;
