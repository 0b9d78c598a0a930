/** Who still needs this process: open connections of `signalbox stdio`. When the last has gone, so may the gateway. */
import type { ServerResponse } from 'node:http';

export interface Leases {
  take(res: ServerResponse): void;
  close(): void;
  readonly size: number;
}

/** Nobody has come yet: whoever started the process is about to. */
const FIRST_WAIT_MS = 30_000;
/** An IDE that restarts its servers is back within this. */
const LAST_WAIT_MS = 3000;
const BEAT_MS = 10_000;

export function createLeases(onDeserted: (() => void) | undefined): Leases {
  const open = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number) => {
    clearTimeout(timer);
    if (onDeserted !== undefined) timer = setTimeout(onDeserted, ms);
  };
  const beat = setInterval(() => {
    for (const res of open) res.write('\n');
  }, BEAT_MS).unref();
  wait(FIRST_WAIT_MS);
  return {
    get size() {
      return open.size;
    },
    take(res) {
      clearTimeout(timer);
      open.add(res);
      res.writeHead(200, { 'content-type': 'text/plain' });
      res.write('held\n');
      res.once('close', () => {
        open.delete(res);
        if (open.size === 0) wait(LAST_WAIT_MS);
      });
    },
    close() {
      clearTimeout(timer);
      clearInterval(beat);
      for (const res of open) res.end();
    },
  };
}
