/**
 * One HTTP request to the gateway, its answer as JSON or as a stream of server-sent events, every message handed on as it
 * comes. It knows whether the request ever left, and never sends it twice; what to do about that is its caller's.
 */
import { createParser } from 'eventsource-parser';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Pace } from './output.ts';

export type Ending =
  /** It did not leave: the gateway has not seen it. */
  | { readonly type: 'not-sent' }
  /** It left, or part of it, and the connection broke before the answer's end. */
  | { readonly type: 'broken' }
  /** `text` is the body of an answer that says no (status 400 and above), else empty. */
  | { readonly type: 'complete'; readonly status: number; readonly text: string };

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
  readonly pace?: Pace;
  /** It is leaving now. */
  onSent?(): void;
  /** A status below 400 has come. */
  onAccepted?(headers: IncomingHttpHeaders): void;
  onMessage?(json: string | Buffer): void;
}

export interface Exchange {
  readonly ending: Promise<Ending>;
  /** Breaks the connection off; nothing more is handed on. */
  abort(): void;
}

const ABORTED = new Error('aborted');
/** Of an answer that says no; the rest is of no interest. */
const MAX_REFUSAL_BYTES = 64 * 1024;

export function exchange(options: ExchangeOptions): Exchange {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const handler = new AnswerHandler(options, resolve);
  const { method, path, headers, body } = options;
  try {
    options.dispatcher.dispatch({ method, path, headers: [...headers], ...(body === undefined ? {} : { body }), headersTimeout: 0, bodyTimeout: 0 }, handler);
  } catch {
    // A dispatcher that is closed already.
    resolve({ type: 'not-sent' });
  }
  return { ending: promise, abort: () => handler.abort() };
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #end: (ending: Ending) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #isAborted = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #feed: ((chunk: Buffer) => void) | undefined;

  constructor(options: ExchangeOptions, end: (ending: Ending) => void) {
    this.#options = options;
    this.#end = end;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(ABORTED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The client library may put a request back whose connection closed under it. This one may have been executed.
    const again = this.#controller !== undefined;
    this.#controller = controller;
    if (again || this.#isAborted) return controller.abort(ABORTED);
    this.#options.onSent?.();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    if (status >= 400) return;
    if (headers['content-type']?.startsWith('text/event-stream') === true) this.#feed = this.#eventReader();
    this.#options.onAccepted?.(headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#feed !== undefined) this.#feed(chunk);
    else this.#collect(chunk);
    const { pace } = this.#options;
    if (pace?.isFull !== true) return;
    controller.pause();
    pace.whenDrained(() => controller.resume());
  }

  onResponseEnd(): void {
    const body = this.#feed === undefined ? Buffer.concat(this.#chunks) : undefined;
    if (this.#status < 400 && body !== undefined && body.length > 0) this.#tell(body);
    this.#end({ type: 'complete', status: this.#status, text: this.#status < 400 ? '' : (body?.toString('utf8') ?? '') });
  }

  onResponseError(): void {
    this.#end({ type: this.#controller === undefined ? 'not-sent' : 'broken' });
  }

  #collect(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#status < 400 || this.#bytes <= MAX_REFUSAL_BYTES) this.#chunks.push(chunk);
  }

  #eventReader(): (chunk: Buffer) => void {
    const decoder = new TextDecoder();
    const parser = createParser({ onEvent: ({ data }) => this.#tell(data) });
    return (chunk) => parser.feed(decoder.decode(chunk, { stream: true }));
  }

  #tell(json: string | Buffer): void {
    if (!this.#isAborted) this.#options.onMessage?.(json);
  }
}
