/** Tells when a file is another than it was, once it has stayed as it is for a while: it may be half written. Reads nothing. */
import { stat } from 'node:fs/promises';

export interface FileWatch {
  /** Looks at this file from now on; `undefined` looks at none. */
  follow(path: string | undefined): void;
  close(): void;
}

export interface WatchTimes {
  readonly intervalMs: number;
  readonly settleMs: number;
}

const TIMES: WatchTimes = { intervalMs: 500, settleMs: 250 };

export function createFileWatch(onChange: (path: string) => void, { intervalMs, settleMs }: WatchTimes = TIMES): FileWatch {
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};

  function follow(path: string): () => void {
    let isOver = false;
    let known: string | undefined;
    let pending: { readonly signature: string; readonly since: number } | undefined;
    const look = async (): Promise<void> => {
      const signature = await signatureOf(path);
      if (isOver) return;
      if (signature === known) pending = undefined;
      else if (pending?.signature !== signature) pending = { signature, since: performance.now() };
      else if (performance.now() - pending.since >= settleMs) {
        known = signature;
        pending = undefined;
        onChange(path);
      }
      if (!isOver) timer = setTimeout(() => void look(), pending === undefined ? intervalMs : Math.min(intervalMs, settleMs / 2)).unref();
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  return {
    follow(path) {
      stop();
      stop = path === undefined ? () => {} : follow(path);
    },
    close: () => stop(),
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
