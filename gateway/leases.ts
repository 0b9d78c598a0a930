/**
 * Who still needs this process: open connections of `signalbox stdio`. When the last has gone, so may a gateway that was
 * started for them. Once it has said that it goes, nobody is let in any more: a lease that was given is one that holds.
 */
import type { ServerResponse } from 'node:http';

export interface Leases {
  /** @param isCommand for a command, which lets go of it as soon as it has its answer */
  take(res: ServerResponse, isCommand?: boolean): void;
  /** Lets nobody in any more, unless a command is at work here: then it is false, and to be tried again. */
  tryLeave(): boolean;
  close(): void;
  readonly size: number;
}

export interface LeaseTimes {
  /** Nobody has come yet: whoever started the process is about to. */
  readonly firstMs: number;
  /** An IDE that restarts its servers is back within this. */
  readonly lastMs: number;
}

const TIMES: LeaseTimes = { firstMs: 30_000, lastMs: 3000 };
const BEAT_MS = 10_000;
/** Whether the process goes with the last lease; the holder of a lease on another waits for that one to come back. */
export const EPHEMERAL_HEADER = 'x-signalbox-ephemeral';

/** @param onDeserted absent for a gateway that runs whether it is used or not */
export function createLeases(onDeserted: (() => void) | undefined, times: LeaseTimes = TIMES): Leases {
  const open = new Set<ServerResponse>();
  const commands = new Set<ServerResponse>();
  let isLeaving = false;
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number) => {
    if (onDeserted === undefined || isLeaving) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      isLeaving = true;
      onDeserted();
    }, ms);
  };
  const beat = setInterval(() => {
    for (const res of open) res.write('\n');
  }, BEAT_MS).unref();
  wait(times.firstMs);
  return {
    get size() {
      return open.size;
    },
    tryLeave() {
      if (commands.size > 0) return false;
      isLeaving = true;
      clearTimeout(timer);
      return true;
    },
    take(res, isCommand = false) {
      // The holder of a lease that never came about would wait for answers from a process that is gone.
      if (isLeaving) return void res.writeHead(503, { connection: 'close' }).end();
      clearTimeout(timer);
      open.add(res);
      if (isCommand) commands.add(res);
      res.once('close', () => {
        open.delete(res);
        commands.delete(res);
        if (open.size === 0) wait(times.lastMs);
      });
      res.writeHead(200, { 'content-type': 'text/plain', [EPHEMERAL_HEADER]: String(onDeserted !== undefined) });
      res.write('held\n');
    },
    close() {
      isLeaving = true;
      clearTimeout(timer);
      clearInterval(beat);
      for (const res of open) res.end();
    },
  };
}
