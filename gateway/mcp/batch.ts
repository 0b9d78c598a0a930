/** A JSON-RPC batch (2025-03-26 only): several requests in one body, their answers in one array. No streams. */
import type { JsonValue } from '../../core/json.ts';
import type { Reply } from '../http/plain/reply.ts';
import { sendJson, type Exchange } from './exchange.ts';

export interface Batch {
  readonly items: readonly JsonValue[];
  exchange(): Exchange;
  /** To be called when every item has been handed on; the answer goes out when the last request has its own. */
  close(): void;
}

const MAX_ITEMS = 100;

/** @returns undefined for an empty batch, or one too long */
export function createBatch(items: readonly JsonValue[], res: Reply): Batch | undefined {
  if (items.length === 0 || items.length > MAX_ITEMS) return undefined;
  const answers: string[] = [];
  let closed = false;
  let open = 0;
  const finish = () => {
    if (!closed || open > 0 || res.destroyed) return;
    if (answers.length === 0) res.writeHead(202).end();
    else sendJson(res, 200, `[${answers.join(',')}]`);
  };
  const settle = (answer?: string) => {
    open--;
    if (answer !== undefined) answers.push(answer);
    finish();
  };
  return {
    items,
    exchange() {
      open++;
      return {
        startedAt: Date.now(),
        notify: () => {},
        stream: () => undefined,
        answer: (chunks) => settle(typeof chunks === 'string' ? chunks : chunks.map(String).join('')),
        drop: () => settle(),
        onGone: (listener) => void res.once('close', () => !res.writableFinished && listener()),
        beat: () => {},
      };
    },
    close() {
      closed = true;
      finish();
    },
  };
}
