/** Who waits for which request to be decided. In memory: a wait does not outlive its client's connection. */
import type { ApprovalRequest } from '../../core/approval.ts';

type Listener = (request: ApprovalRequest) => void;

export interface Waits {
  /** `onDue` runs when the request's time is over, while anybody waits for it. */
  add(request: ApprovalRequest, listener: Listener, onDue: () => void): () => void;
  tell(request: ApprovalRequest): void;
  close(): void;
}

interface Wait {
  readonly listeners: Set<Listener>;
  readonly timer: NodeJS.Timeout;
}

/** setTimeout cannot wait longer (2^31 - 1 ms); a wait does not, since clients go before. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** Timers may come a little before the clock says so. */
const TIMER_SLACK_MS = 5;

export function createWaits(): Waits {
  const waits = new Map<string, Wait>();

  function end(id: string): void {
    clearTimeout(waits.get(id)?.timer);
    waits.delete(id);
  }

  return {
    add({ id, expiresAt }, listener, onDue) {
      let wait = waits.get(id);
      if (wait === undefined) {
        const timer = setTimeout(onDue, Math.min(Math.max(expiresAt - Date.now(), 0) + TIMER_SLACK_MS, LONGEST_TIMER_MS)).unref();
        waits.set(id, (wait = { listeners: new Set(), timer }));
      }
      const { listeners } = wait;
      listeners.add(listener);
      return () => {
        if (listeners.delete(listener) && listeners.size === 0 && waits.get(id)?.listeners === listeners) end(id);
      };
    },
    tell(request) {
      const listeners = waits.get(request.id)?.listeners;
      end(request.id);
      if (listeners !== undefined) for (const listener of listeners) listener(request);
    },
    close() {
      for (const id of waits.keys()) end(id);
    },
  };
}
