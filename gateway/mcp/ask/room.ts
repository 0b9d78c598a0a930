/**
 * Where calls wait for a person: how many may, and what ends the waiting. Why they wait is not known here. Who finds no
 * place loses nothing but the comfort: the request for approval stands, and calling again goes on with it.
 */
import type { Approvals } from '../../../core/approval.ts';
import type { Cancellation } from '../../../core/cancel.ts';
import type { Principal } from '../../../core/principal.ts';

/** What ended it; whether somebody decided, the request itself tells. */
export type WaitEnd = 'no-longer-pending' | 'time-over' | 'stopped';

export interface Wait {
  readonly ended: Promise<WaitEnd>;
  /** Lets go of what the waiting holds. Idempotent. */
  stop(): void;
}

export interface Room {
  /** @returns what to call when leaving; undefined where there is no place */
  enter(principal: Principal): (() => void) | undefined;
  readonly size: number;
}

const MAX_WAITING = 1000;
/** A caller's share, so that one who keeps everything waiting keeps nobody else from it. */
const MAX_WAITING_PER_CALLER = 100;
/** Node's timers count no further. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createRoom(): Room {
  const perCaller = new Map<string, number>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    enter({ tenant, id }) {
      const key = JSON.stringify([tenant, id]);
      const mine = perCaller.get(key) ?? 0;
      if (size >= MAX_WAITING || mine >= MAX_WAITING_PER_CALLER) return undefined;
      size++;
      perCaller.set(key, mine + 1);
      return () => {
        size--;
        const left = (perCaller.get(key) ?? 1) - 1;
        if (left > 0) perCaller.set(key, left);
        else perCaller.delete(key);
      };
    },
  };
}

/** Waits until the request is decided or has expired, it is `endsAtMs` (epoch), or the waiting is called off. */
export function waitFor(approvals: Approvals, id: string, endsAtMs: number, calledOff: Cancellation): Wait {
  const { promise: ended, resolve } = Promise.withResolvers<WaitEnd>();
  const offs: (() => void)[] = [];
  let isOver = false;
  const end = (how: WaitEnd): void => {
    isOver = true;
    for (const off of offs.splice(0)) off();
    resolve(how);
  };
  // A timer may fire a little early by the clock that tells what has expired.
  const timer = setTimeout(() => end('time-over'), Math.min(Math.max(0, endsAtMs - Date.now()) + 1, MAX_TIMER_MS));
  offs.push(() => clearTimeout(timer), calledOff.onCancel(() => end('stopped')), approvals.onDecided(id, () => end('no-longer-pending')));
  // Either may have been so already, and have said so before it could be taken back.
  if (isOver) for (const off of offs) off();
  return { ended, stop: () => end('stopped') };
}
