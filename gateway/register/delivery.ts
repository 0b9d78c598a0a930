/**
 * Brings checkpoints to one place, in order, each again until it is there. Nothing waits for it: a place that does not take
 * them is said in log and status. What the place is, is places.ts's to know.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';

export interface DeliveryParts {
  /** What the operator calls it: `file`, `webhook`. */
  readonly place: string;
  /** Resolves once it is there. @throws Error in words */
  readonly send: (note: string, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Between tries; the last one again and again. */
  readonly delaysMs?: readonly number[];
}

export interface DeliveryStatus {
  readonly place: string;
  readonly waiting: number;
  readonly problem?: string;
}

export interface Delivery {
  add(note: string): void;
  status(): DeliveryStatus;
  /** One more try for what waits, within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const DELAYS_MS = [1000, 5000, 30_000];
/** More than these are not kept: a newer checkpoint vouches for all that an older one does. */
const MAX_WAITING = 1000;

export function createDelivery({ place, send, log, delaysMs = DELAYS_MS }: DeliveryParts): Delivery {
  const queue: string[] = [];
  const closing = new AbortController();
  const giveUp = new AbortController();
  let problem: string | undefined;
  let tries = 0;
  let working: Promise<void> | undefined;

  /** Whether it is there. */
  async function attempt(note: string): Promise<boolean> {
    try {
      await send(note, giveUp.signal);
      if (problem !== undefined) log.info({ place }, 'checkpoints are delivered again');
      problem = undefined;
      tries = 0;
      return true;
    } catch (error) {
      if (problem === undefined) log.error({ place, problem: (error as Error).message }, 'a checkpoint was not delivered; it is tried again, and calls go on');
      problem = (error as Error).message;
      tries += 1;
      return false;
    }
  }

  async function work(): Promise<void> {
    for (let note = queue[0]; note !== undefined; note = queue[0]) {
      if (await attempt(note)) {
        // It may have been dropped meanwhile.
        if (queue[0] === note) queue.shift();
      } else if (closing.signal.aborted) return;
      else await pause(delaysMs[Math.min(tries, delaysMs.length) - 1], undefined, { signal: closing.signal, ref: false }).catch(() => {});
    }
  }

  return {
    add(note) {
      if (queue.length >= MAX_WAITING) queue.shift();
      queue.push(note);
      working ??= work().finally(() => (working = undefined));
    },
    status: () => ({ place, waiting: queue.length, ...(problem === undefined ? {} : { problem }) }),
    async close(graceMs) {
      closing.abort();
      await Promise.race([working, pause(graceMs, undefined, { ref: false })]);
      giveUp.abort();
      if (queue.length > 0) log.error({ place, checkpoints: queue.length, problem }, 'the gateway stopped before these checkpoints were delivered; they are in the ledger');
      queue.length = 0;
    },
  };
}
