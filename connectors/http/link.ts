/**
 * MCP over Streamable HTTP: a POST for each message, and for servers of the 2025 era the session and the GET stream.
 * Which era it is, the session above finds out.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Log } from '../../core/log.ts';
import { lost, notSent, type Agreement, type Link, type LinkEvents, type Outgoing } from '../link.ts';
import { parseMessages } from '../wire/jsonrpc.ts';
import type { AddressGuard } from './address.ts';
import { connectionInWords } from './answer.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';
import { isSessionId } from './headers.ts';
import { createPool } from './pool.ts';
import { send } from './send.ts';
import { createEventStream, type EventStream } from './stream.ts';

export interface HttpLinkOptions {
  readonly url: URL;
  /** Names and values in turn, resolved. */
  readonly headers: readonly string[];
  readonly guard: AddressGuard;
  readonly connectTimeoutMs: number;
  readonly concurrency: number;
  readonly maxResponseBytes: number;
  readonly log: Log;
  readonly events: LinkEvents & {
    /** Learnt beside any call: the upstream no longer knows the session. */
    sessionLost(): void;
  };
}

const STREAM_PAUSE_MS = 1_000;
const RESUME_PAUSE_MS = 200;
const MAX_RESUMPTIONS = 5;
const DELETE_TIMEOUT_MS = 2_000;

export function openHttpLink(options: HttpLinkOptions): Link {
  const { events, log, maxResponseBytes } = options;
  const path = options.url.pathname + options.url.search;
  const pool = createPool({ ...options, origin: options.url.origin });
  const plainHeaders = [...options.headers, 'content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
  const exchanges = new Map<Outgoing, Exchange>();
  const resumptions = new Map<Outgoing, EventStream>();
  let agreement: Agreement | undefined;
  let sessionId: string | undefined;
  let messageHeaders: readonly string[] = plainHeaders;
  let sessionHeaders: readonly string[] = [];
  let stream: EventStream | undefined;
  let closed = false;

  const owner: ExchangeOwner = {
    events,
    inSession: (outgoing) => sessionId !== undefined && outgoing.method !== 'initialize',
    onHeaders(outgoing, status, headers: IncomingHttpHeaders) {
      if (outgoing.method !== 'initialize' || status !== 200) return;
      const id = headers['mcp-session-id'];
      sessionId = isSessionId(id) ? id : undefined;
    },
    post,
    resume: resumeElsewhere,
    done: (exchange) => void exchanges.delete(exchange.outgoing),
  };

  /** MCP 2025-11-25, basic/transports: the version from 2025-06-18 on, the session id where one was given. */
  function adoptHeaders(): void {
    const extra: string[] = [];
    if (agreement?.era === 'legacy' && agreement.version >= '2025-06-18') extra.push('mcp-protocol-version', agreement.version);
    if (sessionId !== undefined) extra.push('mcp-session-id', sessionId);
    sessionHeaders = [...options.headers, ...extra];
    messageHeaders = [...plainHeaders, ...extra];
  }

  function post(text: string, done: () => void = () => {}): void {
    if (closed) done();
    else send({ pool, method: 'POST', path, headers: messageHeaders, body: text, done });
  }

  function openStream(): void {
    stream = createEventStream({
      pool,
      path,
      headers: () => sessionHeaders,
      maxEventBytes: maxResponseBytes,
      firstPauseMs: STREAM_PAUSE_MS,
      event: (message) => receiveBeside(message.data),
      ended(status, why) {
        if (status === 404 && sessionId !== undefined) events.sessionLost();
        log.debug({ status, why }, 'the stream for notifications ended');
        // 405 is the honest no (MCP 2025-11-25); any other refusal will not get better by asking again.
        return status === undefined || status >= 500;
      },
    });
    stream.start();
  }

  function receiveBeside(data: string): void {
    if (data === '') return;
    for (const message of parseMessages(data)) {
      if (message.type === 'notification') events.notification(message.method, message.params);
      else if (message.type === 'request') {
        const reply = events.request(message.id, message.method);
        if (reply !== undefined) post(reply);
      }
    }
  }

  /** MCP 2025-11-25, basic/transports, Resumability: the rest of a broken answer by GET with `Last-Event-ID`. */
  function resumeElsewhere(exchange: Exchange, lastEventId: string, retryMs: number | undefined): boolean {
    if (agreement?.era !== 'legacy' || closed) return false;
    const { outgoing } = exchange;
    let attempts = 0;
    const finish = (): void => {
      resumptions.get(outgoing)?.close();
      resumptions.delete(outgoing);
    };
    const resumed = createEventStream({
      pool,
      path,
      headers: () => sessionHeaders,
      maxEventBytes: outgoing.maxBytes,
      lastEventId,
      firstPauseMs: RESUME_PAUSE_MS,
      event(message) {
        if (message.data === '') return;
        for (const part of parseMessages(message.data)) exchange.takeResumed(part, Buffer.byteLength(message.data));
        if (exchange.settled) finish();
      },
      ended(status) {
        if (!exchange.settled && (status === undefined || status >= 500) && ++attempts <= MAX_RESUMPTIONS) return true;
        resumptions.delete(outgoing);
        exchange.settle(lost('the connection broke while the answer was awaited, and the rest could not be fetched'));
        return false;
      },
    });
    resumptions.set(outgoing, resumed);
    setTimeout(() => {
      if (resumptions.get(outgoing) === resumed) resumed.start();
    }, retryMs ?? RESUME_PAUSE_MS).unref();
    return true;
  }

  function closeSession(): Promise<void> {
    if (sessionId === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, DELETE_TIMEOUT_MS);
      send({
        pool,
        method: 'DELETE',
        path,
        headers: sessionHeaders,
        done() {
          clearTimeout(late);
          resolve();
        },
      });
    });
  }

  return {
    transport: 'http',
    pid: undefined,
    send(outgoing) {
      if (closed) return outgoing.settle(notSent('its connection is closed'));
      const exchange = new Exchange(outgoing, owner);
      exchanges.set(outgoing, exchange);
      const base = outgoing.method === 'initialize' ? plainHeaders : messageHeaders;
      const headers = outgoing.headers === undefined ? base : [...base, ...outgoing.headers];
      try {
        pool.dispatch({ method: 'POST', path, headers: headers as string[], body: outgoing.text }, exchange);
      } catch (error) {
        exchanges.delete(outgoing);
        exchange.settle(notSent(connectionInWords(error as Error)));
      }
    },
    abandon(outgoing) {
      exchanges.get(outgoing)?.abandon();
      resumptions.get(outgoing)?.close();
      resumptions.delete(outgoing);
    },
    post,
    agree(agreed) {
      agreement = agreed;
      adoptHeaders();
      stream?.close();
      stream = undefined;
      if (agreed.era === 'legacy') openStream();
    },
    forgetSession() {
      stream?.close();
      stream = undefined;
      sessionId = undefined;
      agreement = undefined;
      adoptHeaders();
    },
    async close() {
      if (closed) return;
      closed = true;
      stream?.close();
      for (const resumed of resumptions.values()) resumed.close();
      for (const exchange of [...exchanges.values()]) {
        exchange.settle(lost('it was closed'));
        exchange.abandon();
      }
      await closeSession();
      await pool.destroy();
    },
  };
}
