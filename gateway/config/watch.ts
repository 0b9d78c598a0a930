/**
 * Watches one configuration file and hands on each new, whole and valid reading of it; what is broken is reported and
 * changes nothing. It looks at the file's stat at intervals: unlike change events, that sees renames, replaced
 * symlinks (mounted config maps), network and container mounts alike, and costs one system call.
 */
import { stat } from 'node:fs/promises';
import type { Settings } from '../../core/settings.ts';
import { loadConfig, type LoadOptions, type LoadResult } from './load.ts';
import type { Problem } from './problem.ts';

export interface WatchOptions extends LoadOptions {
  readonly path: string;
  /** Hash of the settings in use, so that an edit without a new meaning changes nothing. */
  readonly currentHash?: string;
  /** A new valid reading whose meaning differs from the last good one. */
  readonly onChange: (settings: Settings, warnings: readonly Problem[]) => void;
  /** The file was broken, and means again what is in use. */
  readonly onMended?: () => void;
  /** The file is broken or gone: the last good settings stay. Not called twice in a row for the same problems. */
  readonly onProblem: (problems: readonly Problem[]) => void;
  /** Between two looks at the file. */
  readonly intervalMs?: number;
  /** How long the file must stay as it is before it is read: it may be half written, and half may be valid. */
  readonly settleMs?: number;
}

export interface ConfigWatch {
  /** Reads now, without waiting for the file to settle (SIGHUP). Reports through the callbacks, and returns the reading. */
  reload(): LoadResult;
  /** No callback runs after this. */
  close(): void;
}

export function watchConfig(options: WatchOptions): ConfigWatch {
  const { path, intervalMs = 500, settleMs = 250 } = options;
  let goodHash = options.currentHash;
  let reported = '';
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  /** The stat of what was read last; `undefined` before the first look. */
  let readAs: string | undefined;
  /** A stat that differs from it, and since when. */
  let pending: { signature: string; since: number } | undefined;

  const take = (result: LoadResult): LoadResult => {
    if (closed) return result;
    if (!result.ok) {
      const text = JSON.stringify(result.problems);
      if (text !== reported) options.onProblem(result.problems);
      reported = text;
      return result;
    }
    const wasBroken = reported !== '';
    reported = '';
    if (result.settings.hash === goodHash) {
      if (wasBroken) options.onMended?.();
    } else {
      goodHash = result.settings.hash;
      options.onChange(result.settings, result.warnings);
    }
    return result;
  };

  const look = async () => {
    const signature = await signatureOf(path);
    if (closed) return;
    if (readAs === undefined && options.currentHash === undefined) readAs = signature;
    if (signature === readAs) pending = undefined;
    else if (pending?.signature !== signature) pending = { signature, since: performance.now() };
    else if (performance.now() - pending.since >= settleMs) {
      const result = loadConfig(path, options);
      // Changed while it was read: what was read may be a mixture of both.
      if ((await signatureOf(path)) === signature && !closed) {
        readAs = signature;
        pending = undefined;
        take(result);
      }
    }
    if (!closed) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => void look(), pending === undefined ? intervalMs : Math.min(intervalMs, settleMs / 2));
    timer.unref();
  };
  void look();

  return {
    reload: () => take(loadConfig(path, options)),
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** What changes whenever the file does. Where there is none, why. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code}`;
  }
}
