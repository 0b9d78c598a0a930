/**
 * `/healthz` and `/readyz`, answered without Express: whoever only asks whether the gateway is there, again and again,
 * shall not make it larger.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminParts } from './admin.ts';

export type HealthParts = Pick<AdminParts, 'gate' | 'ledger' | 'isClosing'>;

/** @returns whether it was such a request, and has been answered */
export function answerHealth(parts: HealthParts, { method, url = '/' }: IncomingMessage, res: ServerResponse): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      answer(res, 200, { ok: true });
      return true;
    case '/readyz':
      readiness(parts, res);
      return true;
    default:
      return false;
  }
}

function readiness({ gate, ledger, isClosing }: HealthParts, res: ServerResponse): void {
  const { ok } = ledger.health();
  const ready = ok && gate().box.isSettled() && !isClosing();
  answer(res, ready ? 200 : 503, ok ? { ready } : { ready, problem: 'the ledger cannot be written, so no call is made' });
}

function answer(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text);
}
