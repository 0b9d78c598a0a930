/**
 * One request being answered over HTTP: JSON by default, an SSE stream from the moment there is something to say before
 * the answer. It does not know what the methods mean.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openStream, type EventStream } from './stream.ts';

export interface Exchange {
  /** Sends a notification that belongs to this request; silently not, where the client takes no streams. */
  notify(json: string): void;
  /** The final answer. Later words are dropped. */
  answer(chunks: string | readonly (string | Buffer)[], status?: number): void;
  /** Ends without an answer, as for a request that the client cancelled. */
  drop(): void;
  /** Makes the exchange a stream that stays open (subscriptions); undefined where the client takes none. */
  stream(): EventStream | undefined;
  /** Called when the client went away before the answer. */
  onGone(listener: () => void): void;
  /** Keeps a long call's connection alive; to be called now and then. */
  beat(): void;
  readonly startedAt: number;
}

/** @param headers sent with every kind of answer */
export function createExchange(req: IncomingMessage, res: ServerResponse, headers: Readonly<Record<string, string>>): Exchange {
  const takesStreams = req.headers.accept?.includes('text/event-stream') ?? false;
  let stream: EventStream | undefined;
  let done = false;

  const upgrade = (): EventStream | undefined => {
    if (done || !takesStreams) return undefined;
    return (stream ??= openStream(res, headers));
  };

  return {
    startedAt: Date.now(),
    notify(json) {
      upgrade()?.offer(json);
    },
    stream: upgrade,
    answer(chunks, status = 200) {
      if (done || res.destroyed) return;
      done = true;
      if (stream !== undefined) {
        stream.send(typeof chunks === 'string' ? chunks : chunks.map(String).join(''));
        stream.end();
        return;
      }
      sendJson(res, status, chunks, headers);
    },
    drop() {
      if (done || res.destroyed) return;
      const open = upgrade();
      done = true;
      if (open === undefined) res.destroy();
      else open.end();
    },
    onGone(listener) {
      res.once('close', () => {
        if (!done) {
          done = true;
          listener();
        }
      });
    },
    beat() {
      upgrade()?.beat();
    },
  };
}

/** Writes a JSON answer whose length is known. */
export function sendJson(
  res: ServerResponse,
  status: number,
  chunks: string | readonly (string | Buffer)[],
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = typeof chunks === 'string' ? chunks : Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers });
  res.end(body);
}
