/**
 * MCP over Streamable HTTP: a POST for each message, and for servers of the 2025 era the session and the GET stream.
 * Which era it is, the session above finds out.
 */
import type { Pool } from 'undici';
import type { Log } from '../../core/log.ts';
import { lost, notSent, type Agreement, type Link, type LinkEvents, type Outgoing } from '../link.ts';
import { parseMessages } from '../wire/jsonrpc.ts';
import type { AddressGuard } from './address.ts';
import { createHttpClient, type HttpClient } from './client/client.ts';
import type { ResponseHead } from './client/response.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';
import { fieldLines, isSessionId, valueIn } from './headers.ts';
import { createPool, EXTRA_CONNECTIONS } from './pool.ts';
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

export const openHttpLink = (options: HttpLinkOptions): Link => new HttpLink(options);

class HttpLink implements Link, ExchangeOwner {
  readonly transport = 'http';
  readonly pid = undefined;
  readonly ended = undefined;
  readonly events: HttpLinkOptions['events'];
  readonly #options: HttpLinkOptions;
  readonly #path: string;
  /** For everything but the POSTs that await an answer. */
  readonly #pool: Pool;
  readonly #client: HttpClient;
  /** Request line and the fields that never change, written out. */
  readonly #plainHead: string;
  #messageHead: string;
  readonly #plainHeaders: readonly string[];
  readonly #exchanges = new Map<Outgoing, Exchange>();
  readonly #resumptions = new Map<Outgoing, EventStream>();
  #agreement: Agreement | undefined;
  #sessionId: string | undefined;
  #messageHeaders: readonly string[];
  #sessionHeaders: readonly string[] = [];
  #stream: EventStream | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: HttpLinkOptions) {
    this.#options = options;
    this.events = options.events;
    this.#path = options.url.pathname + options.url.search;
    this.#pool = createPool({ ...options, origin: options.url.origin });
    const { url, guard, connectTimeoutMs, concurrency } = options;
    const hostField = valueIn(options.headers, 'host');
    this.#client = createHttpClient({ url, hostField, lookup: guard.lookup, connectTimeoutMs, connections: concurrency + EXTRA_CONNECTIONS });
    this.#plainHeaders = [...options.headers, 'content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
    this.#messageHeaders = this.#plainHeaders;
    const host = hostField === undefined ? fieldLines(['host', url.host]) : '';
    this.#plainHead = `POST ${this.#path} HTTP/1.1\r\n${host}connection: keep-alive\r\n${fieldLines(this.#plainHeaders)}`;
    this.#messageHead = this.#plainHead;
  }

  send(outgoing: Outgoing): void {
    if (this.#closed !== undefined) return outgoing.settle(notSent('its connection is closed'));
    const opening = outgoing.method === 'initialize';
    const base = opening ? this.#plainHead : this.#messageHead;
    const head = outgoing.fields === undefined ? base : base + outgoing.fields;
    const exchange = new Exchange(outgoing, head, this, this.#sessionId !== undefined && !opening);
    this.#exchanges.set(outgoing, exchange);
    this.#client.post(exchange);
  }

  abandon(outgoing: Outgoing): void {
    this.#exchanges.get(outgoing)?.abandon();
    this.#resumptions.get(outgoing)?.close();
    this.#resumptions.delete(outgoing);
  }

  post(text: string, done: () => void = () => {}): void {
    if (this.#closed !== undefined) done();
    else send({ pool: this.#pool, method: 'POST', path: this.#path, headers: this.#messageHeaders, body: text, done });
  }

  agree(agreement: Agreement): void {
    this.#agreement = agreement;
    this.#adoptHeaders();
    this.#stream?.close();
    this.#stream = agreement.era === 'legacy' && this.#closed === undefined ? this.#openStream() : undefined;
  }

  forgetSession(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#sessionId = undefined;
    this.#agreement = undefined;
    this.#adoptHeaders();
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  onHead(outgoing: Outgoing, { status, sessionId }: ResponseHead): void {
    if (outgoing.method !== 'initialize' || status !== 200) return;
    this.#sessionId = isSessionId(sessionId) ? sessionId : undefined;
  }

  abort(exchange: Exchange): void {
    this.#client.abort(exchange);
  }

  done(exchange: Exchange): void {
    this.#exchanges.delete(exchange.outgoing);
  }

  /** MCP 2025-11-25, basic/transports, Resumability: the rest of a broken answer by GET with `Last-Event-ID`. */
  resume(exchange: Exchange, lastEventId: string, retryMs: number | undefined): boolean {
    if (this.#agreement?.era !== 'legacy' || this.#closed !== undefined) return false;
    const { outgoing } = exchange;
    let attempts = 0;
    const resumed = createEventStream({
      pool: this.#pool,
      path: this.#path,
      headers: () => this.#sessionHeaders,
      maxEventBytes: outgoing.maxBytes,
      lastEventId,
      firstPauseMs: RESUME_PAUSE_MS,
      event: (message) => {
        if (message.data === '') return;
        for (const part of parseMessages(message.data)) exchange.takeResumed(part, Buffer.byteLength(message.data));
        if (!exchange.settled) return;
        resumed.close();
        this.#resumptions.delete(outgoing);
      },
      ended: (status) => {
        if (!exchange.settled && (status === undefined || status >= 500) && ++attempts <= MAX_RESUMPTIONS) return true;
        this.#resumptions.delete(outgoing);
        exchange.settle(lost('the connection broke while the answer was awaited, and the rest could not be fetched'));
        return false;
      },
    });
    this.#resumptions.set(outgoing, resumed);
    setTimeout(() => {
      if (this.#resumptions.get(outgoing) === resumed) resumed.start();
    }, retryMs ?? RESUME_PAUSE_MS).unref();
    return true;
  }

  /** MCP 2025-11-25, basic/transports: the version from 2025-06-18 on, the session id where one was given. */
  #adoptHeaders(): void {
    const extra: string[] = [];
    const agreement = this.#agreement;
    if (agreement?.era === 'legacy' && agreement.version >= '2025-06-18') extra.push('mcp-protocol-version', agreement.version);
    if (this.#sessionId !== undefined) extra.push('mcp-session-id', this.#sessionId);
    this.#sessionHeaders = [...this.#options.headers, ...extra];
    this.#messageHeaders = [...this.#plainHeaders, ...extra];
    this.#messageHead = this.#plainHead + fieldLines(extra);
  }

  /** What a 2025 server tells beside any call. */
  #openStream(): EventStream {
    const stream = createEventStream({
      pool: this.#pool,
      path: this.#path,
      headers: () => this.#sessionHeaders,
      maxEventBytes: this.#options.maxResponseBytes,
      firstPauseMs: STREAM_PAUSE_MS,
      event: (message) => this.#receiveBeside(message.data),
      ended: (status, why) => {
        if (status === 404 && this.#sessionId !== undefined) this.events.sessionLost();
        this.#options.log.debug({ status, why }, 'the stream for notifications ended');
        // 405 is the honest no (MCP 2025-11-25); any other refusal will not get better by asking again.
        return status === undefined || status >= 500;
      },
    });
    stream.start();
    return stream;
  }

  #receiveBeside(data: string): void {
    if (data === '') return;
    for (const message of parseMessages(data)) {
      if (message.type === 'notification') this.events.notification(message.method, message.params);
      else if (message.type === 'request') {
        const reply = this.events.request(message.id, message.method);
        if (reply !== undefined) this.post(reply);
      }
    }
  }

  async #shutDown(): Promise<void> {
    this.#stream?.close();
    for (const resumed of this.#resumptions.values()) resumed.close();
    for (const outgoing of this.#resumptions.keys()) outgoing.settle(lost('it was closed'));
    this.#resumptions.clear();
    for (const exchange of this.#exchanges.values()) {
      exchange.settle(lost('it was closed'));
      exchange.abandon();
    }
    this.#client.close();
    await this.#endSession();
    await this.#pool.destroy();
  }

  #endSession(): Promise<void> {
    if (this.#sessionId === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, DELETE_TIMEOUT_MS);
      const done = (): void => {
        clearTimeout(late);
        resolve();
      };
      send({ pool: this.#pool, method: 'DELETE', path: this.#path, headers: this.#sessionHeaders, done });
    });
  }
}
