/**
 * A GET that yields server-sent events: opened, read, and opened again with `Last-Event-ID` until it is closed or
 * refused. What the events mean is its owner's business.
 */
import type { Dispatcher, Pool } from 'undici';
import type { IncomingHttpHeaders } from 'node:http';
import type { EventSourceMessage } from 'eventsource-parser';
import { createBackoff } from '../resilience/backoff.ts';
import { createSseReader, type SseReader } from '../wire/sse.ts';
import { connectionInWords } from './answer.ts';

export interface StreamOptions {
  readonly pool: Pool;
  readonly path: string;
  /** Asked for at each attempt. Names and values in turn. */
  headers(): readonly string[];
  readonly maxEventBytes: number;
  readonly lastEventId?: string;
  readonly firstPauseMs: number;
  event(message: EventSourceMessage): void;
  /** The server does not offer the stream (`status`), or it broke (`undefined`). Return true to try again. */
  ended(status: number | undefined, why: string): boolean;
  opened?(): void;
}

export interface EventStream {
  start(): void;
  close(): void;
}

const CLOSED = new Error('closed');
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_RETRY_MS = 60_000;

export function createEventStream(options: StreamOptions): EventStream {
  const pauses = createBackoff(options.firstPauseMs, LONGEST_PAUSE_MS);
  let lastEventId = options.lastEventId;
  let retryMs: number | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Dispatcher.DispatchController | undefined;

  function again(status: number | undefined, why: string): void {
    current = undefined;
    if (closed || !options.ended(status, why)) return close();
    timer = setTimeout(start, Math.max(pauses.next(), retryMs ?? 0));
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
    current?.abort(CLOSED);
    current = undefined;
  }

  function start(): void {
    if (closed) return;
    const headers = ['accept', 'text/event-stream', 'cache-control', 'no-cache', ...options.headers()];
    if (lastEventId !== undefined && lastEventId !== '') headers.push('last-event-id', lastEventId);
    try {
      options.pool.dispatch({ method: 'GET', path: options.path, headers, headersTimeout: 0, bodyTimeout: 0 }, attempt());
    } catch (error) {
      again(undefined, connectionInWords(error as Error));
    }
  }

  function attempt(): Dispatcher.DispatchHandler {
    let reader: SseReader | undefined;
    let status: number | undefined;
    return {
      onRequestStart(controller) {
        current = controller;
        if (closed) controller.abort(CLOSED);
      },
      onResponseStart(controller, code: number, headers: IncomingHttpHeaders) {
        if (code === 200 && (headers['content-type'] ?? '').startsWith('text/event-stream')) {
          reader = read(controller);
          options.opened?.();
          return;
        }
        status = code;
        controller.abort(CLOSED);
      },
      onResponseData: (_controller, chunk) => reader?.push(chunk),
      onResponseEnd: () => again(status, 'it ended the stream'),
      onResponseError: (_controller, error) => again(status, status === undefined ? connectionInWords(error) : `it offers no event stream (HTTP ${status})`),
    };
  }

  function read(controller: Dispatcher.DispatchController): SseReader {
    return createSseReader(options.maxEventBytes, {
      event(message) {
        pauses.reset();
        if (message.id !== undefined && /^[\x20-\x7e]*$/.test(message.id)) lastEventId = message.id;
        if (!closed) options.event(message);
      },
      overflow: () => controller.abort(new Error('event too large')),
      retry: (ms) => {
        retryMs = Math.min(ms, LONGEST_RETRY_MS);
      },
    });
  }

  return { start, close };
}
