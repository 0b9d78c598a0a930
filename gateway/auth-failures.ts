/**
 * Refused authentications in the ledger: each as it comes, up to a bound per second; beyond it they are counted, so that
 * whoever knocks often cannot fill the disk.
 */
import type { IncomingMessage } from 'node:http';
import type { Ledger } from '../core/audit.ts';

const MAX_PER_SECOND = 10;
const PERIOD_MS = 1000;

export interface AuthFailures {
  readonly note: (req: Pick<IncomingMessage, 'url' | 'socket'>, why: string) => void;
  readonly close: () => void;
}

export function createAuthFailures(ledger: Ledger): AuthFailures {
  let written = 0;
  let unwritten = 0;
  let timer: NodeJS.Timeout | undefined;

  function endPeriod(): void {
    timer = undefined;
    if (unwritten > 0) ledger.writeSoon({ kind: 'auth', time: Date.now(), ok: false, why: 'further failures within a second', count: unwritten });
    written = 0;
    unwritten = 0;
  }

  return {
    note(req, why) {
      timer ??= setTimeout(endPeriod, PERIOD_MS).unref();
      if (written >= MAX_PER_SECOND) return void unwritten++;
      written++;
      ledger.writeSoon({ kind: 'auth', time: Date.now(), ok: false, why, address: req.socket.remoteAddress, path: req.url?.slice(0, 100) });
    },
    close() {
      clearTimeout(timer);
      endPeriod();
    },
  };
}
