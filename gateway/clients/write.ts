/**
 * Puts a client's new file on the disk: a backup beside it, then a temporary file renamed over it, so that it is the
 * old or the new one at every moment. Mode and symbolic links are kept.
 */
import { closeSync, constants, copyFileSync, fchmodSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { mergeText } from './connect.ts';
import type { Client, ConnectTarget } from './known.ts';
import { readClientText } from './read.ts';

export type MergeResult =
  | { readonly type: 'written'; readonly path: string; /** Absent where there was no file before. */ readonly backup?: string }
  /** The entry was there already, just so. */
  | { readonly type: 'unchanged'; readonly path: string }
  /** The file is as it was. */
  | { readonly type: 'refused'; readonly path: string; readonly problem: string };

export interface MergeOptions {
  readonly client: Client;
  readonly target: ConnectTarget;
  readonly path: string;
  readonly now?: Date;
}

/** Never throws for what is wrong with the file or the disk. */
export function mergeConnectEntry({ client, target, path, now = new Date() }: MergeOptions): MergeResult {
  const before = readClientText(path);
  if (!before.ok && !before.missing) return { type: 'refused', path, problem: before.problem };
  const text = before.ok ? before.text : '';
  const merged = mergeText(client, target, text, path);
  if (!merged.ok) return { type: 'refused', path, problem: merged.problem };
  if (before.ok && merged.text === text) return { type: 'unchanged', path };
  try {
    if (!before.ok) {
      mkdirSync(dirname(path), { recursive: true });
      replaceFile(path, merged.text, 0o600, () => true);
      return { type: 'written', path };
    }
    const real = realpathSync(path);
    const backup = backUp(real, now);
    // The IDE may have written meanwhile: its change must not be lost.
    const unchanged = () => {
      const again = readClientText(real);
      return again.ok && again.text === text;
    };
    if (replaceFile(real, before.mark + merged.text, statSync(real).mode & 0o7777, unchanged)) return { type: 'written', path, backup };
    rmSync(backup, { force: true });
    return { type: 'refused', path, problem: `${path}: the file was changed by another program just now. Nothing was changed: try again.` };
  } catch (error) {
    return { type: 'refused', path, problem: `${path}: cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}). Nothing was changed.` };
  }
}

/** `FILE.20261122-163000.bak`, never over another. */
export function backUp(path: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  for (let count = 0; ; count++) {
    const backup = `${path}.${stamp}${count === 0 ? '' : `-${count}`}.bak`;
    try {
      copyFileSync(path, backup, constants.COPYFILE_EXCL);
      return backup;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || count > 1000) throw error;
    }
  }
}

/** Returns false, with nothing changed, where `stillValid` says so just before the rename. */
export function replaceFile(path: string, text: string, mode: number, stillValid: () => boolean): boolean {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      const bytes = Buffer.from(text, 'utf8');
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (!stillValid()) return false;
    renameSync(temporary, path);
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}
