/**
 * One request being answered over HTTP: JSON by default, an SSE stream from the moment there is something to say before
 * the answer. It does not know what the methods mean.
 */
import type { IncomingMessage } from 'node:http';
import type { Reply } from '../http/plain/reply.ts';
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

const NO_HEADERS: Readonly<Record<string, string>> = {};

export class HttpExchange implements Exchange {
  readonly startedAt = Date.now();
  readonly #req: Pick<IncomingMessage, 'headers'>;
  readonly #res: Reply;
  readonly #headers: Readonly<Record<string, string>>;
  #stream: EventStream | undefined;
  #done = false;

  /** @param headers sent with every kind of answer */
  constructor(req: Pick<IncomingMessage, 'headers'>, res: Reply, headers: Readonly<Record<string, string>> = NO_HEADERS) {
    this.#req = req;
    this.#res = res;
    this.#headers = headers;
  }

  stream(): EventStream | undefined {
    if (this.#done) return undefined;
    if (this.#stream === undefined && this.#req.headers.accept?.includes('text/event-stream') === true) {
      this.#stream = openStream(this.#res, this.#headers);
    }
    return this.#stream;
  }

  notify(json: string): void {
    this.stream()?.offer(json);
  }

  answer(chunks: string | readonly (string | Buffer)[], status = 200): void {
    if (this.#done || this.#res.destroyed) return;
    this.#done = true;
    if (this.#stream === undefined) return sendJson(this.#res, status, chunks, this.#headers);
    this.#stream.send(typeof chunks === 'string' ? chunks : chunks.map(String).join(''));
    this.#stream.end();
  }

  drop(): void {
    if (this.#done || this.#res.destroyed) return;
    const stream = this.stream();
    this.#done = true;
    if (stream === undefined) this.#res.destroy();
    else stream.end();
  }

  onGone(listener: () => void): void {
    this.#res.once('close', () => {
      if (this.#done) return;
      this.#done = true;
      listener();
    });
  }

  beat(): void {
    this.stream()?.beat();
  }
}

/** Writes a JSON answer whose length is known. */
export function sendJson(
  res: Reply,
  status: number,
  chunks: string | readonly (string | Buffer)[],
  headers: Readonly<Record<string, string>> = NO_HEADERS,
): void {
  const body = typeof chunks === 'string' ? chunks : Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
  for (const name in headers) res.setHeader(name, headers[name] as string);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  res.end(body);
}
