/**
 * One POST and its answer, as JSON or as an event stream: an undici dispatch handler, the cheapest way through undici.
 * It settles its request once and never repeats it.
 */
import type { Dispatcher } from 'undici';
import type { IncomingHttpHeaders } from 'node:http';
import { lost, notSent, type Answer, type LinkEvents, type Outgoing } from '../link.ts';
import { parseMessages, type Message } from '../wire/jsonrpc.ts';
import { badAnswer, tooLarge } from '../wire/mux.ts';
import { createSseReader, type SseReader } from '../wire/sse.ts';
import { brokenByStatus, connectionInWords } from './answer.ts';

export interface ExchangeOwner {
  readonly events: LinkEvents;
  onHeaders(outgoing: Outgoing, status: number, headers: IncomingHttpHeaders): void;
  post(text: string): void;
  /** The answer's stream broke at an event id: true where the rest will be fetched, and the request settled, elsewhere. */
  resume(exchange: Exchange, lastEventId: string, retryMs: number | undefined): boolean;
  done(exchange: Exchange): void;
}

type Reading = 'json' | 'events' | 'refusal' | 'nothing';

const MAX_REFUSAL_BYTES = 64 * 1024;
/** How long a stream may stay open after its answer before it is cut. */
const LINGER_MS = 1_000;
const ABORTED = new Error('no longer awaited');

export class Exchange implements Dispatcher.DispatchHandler {
  readonly outgoing: Outgoing;
  readonly #owner: ExchangeOwner;
  /** It went out under a session: a 404 means that the session is gone, whatever has become of it here meanwhile. */
  readonly #inSession: boolean;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #retryAfter: string | undefined;
  #reading: Reading = 'nothing';
  #chunks: Buffer[] = [];
  #bytes = 0;
  #events: SseReader | undefined;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(outgoing: Outgoing, owner: ExchangeOwner, inSession: boolean) {
    this.outgoing = outgoing;
    this.#inSession = inSession;
    this.#owner = owner;
  }

  /** Nobody waits any more; closing the stream tells a modern peer to stop. */
  abandon(): void {
    this.#settled = true;
    this.#controller?.abort(ABORTED);
    this.#over();
  }

  settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.outgoing.settle(answer);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(ABORTED);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#owner.onHeaders(this.outgoing, status, headers);
    this.#retryAfter = headers['retry-after'];
    const type = headers['content-type'] ?? '';
    const encoding = headers['content-encoding'];
    if (status < 200 || status >= 300) this.#reading = 'refusal';
    else if (encoding !== undefined && encoding !== 'identity') this.#fail(controller, badAnswer('it is compressed, which was not asked for'));
    else if (type.startsWith('application/json')) {
      this.#reading = 'json';
      if (Number(headers['content-length'] ?? 0) > this.outgoing.maxBytes) this.#fail(controller, tooLarge(this.outgoing.maxBytes));
    } else if (type.startsWith('text/event-stream')) {
      this.#reading = 'events';
      this.#events = this.#eventReader(controller);
    } else this.#fail(controller, badAnswer(status === 202 ? 'the request was accepted, but not answered (HTTP 202)' : 'it is neither JSON nor an event stream'));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    if (this.#reading === 'events') {
      this.#events?.push(chunk);
      return;
    }
    this.#bytes += chunk.length;
    if (this.#reading === 'refusal') {
      if (this.#bytes <= MAX_REFUSAL_BYTES) this.#chunks.push(chunk);
      else this.#fail(controller, brokenByStatus(this.#status, this.#retryAfter));
    } else if (this.#bytes > this.outgoing.maxBytes) this.#fail(controller, tooLarge(this.outgoing.maxBytes));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#over();
    if (this.#settled) return;
    if (this.#reading === 'json') this.#settleJson();
    else if (this.#reading === 'refusal') this.settle(this.#refusal());
    else this.#streamBroke('it ended the stream without an answer');
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#over();
    if (this.#settled) return;
    // No byte of a request goes out before onRequestStart.
    if (this.#controller === undefined) this.settle(notSent(connectionInWords(error), true));
    else this.#streamBroke(connectionInWords(error));
  }

  #over(): void {
    clearTimeout(this.#linger);
    this.#owner.done(this);
  }

  #streamBroke(why: string): void {
    if (this.#lastEventId !== undefined && this.#owner.resume(this, this.#lastEventId, this.#retryMs)) return;
    this.settle(lost(why));
  }

  #fail(controller: Dispatcher.DispatchController, answer: Answer): void {
    this.settle(answer);
    controller.abort(ABORTED);
  }

  #text(): string {
    const chunks = this.#chunks;
    return (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8');
  }

  #settleJson(): void {
    for (const message of parseMessages(this.#text())) this.#take(message, this.#bytes);
    this.settle(badAnswer('it does not answer this request'));
  }

  #refusal(): Answer {
    const status = this.#status;
    const session = this.#inSession;
    const broken = brokenByStatus(status, this.#retryAfter);
    // MCP 2025-11-25, basic/transports, Session Management 3 and 4.
    if (status === 404 && session) return { ...broken, sessionLost: true, message: 'it no longer knows the session' };
    if (status === 401 || status === 403 || (status >= 300 && status < 400)) return broken;
    const [message] = this.#bytes === 0 ? [] : parseMessages(this.#text());
    if (message?.type !== 'error' || (message.id !== undefined && message.id !== this.outgoing.id)) return broken;
    // Servers written after the SDK's early examples say 400 where they mean 404, and name no id since they ran nothing.
    if (status === 400 && session && message.id === undefined && /session/i.test(message.error.message))
      return { ...broken, executed: 'no', sessionLost: true, message: 'it no longer knows the session' };
    return { type: 'error', error: message.error, bytes: this.#bytes, status };
  }

  #eventReader(controller: Dispatcher.DispatchController): SseReader {
    return createSseReader(this.outgoing.maxBytes, {
      event: (event) => {
        if (event.id !== undefined) this.#lastEventId = event.id;
        if (this.#settled || event.data === '') return; // An empty event only sets an id.
        const bytes = Buffer.byteLength(event.data);
        if (bytes > this.outgoing.maxBytes) return this.#fail(controller, tooLarge(this.outgoing.maxBytes));
        for (const message of parseMessages(event.data)) this.#take(message, bytes);
        if (this.#settled) this.#linger = setTimeout(() => controller.abort(ABORTED), LINGER_MS);
      },
      overflow: () => this.#fail(controller, tooLarge(this.outgoing.maxBytes)),
      retry: (ms) => {
        this.#retryMs = ms;
      },
    });
  }

  #take(message: Message, bytes: number): void {
    if (this.#settled) return;
    switch (message.type) {
      case 'result':
        if (message.id === this.outgoing.id) this.settle({ type: 'result', result: message.result, bytes });
        return;
      case 'error':
        if (message.id === this.outgoing.id) this.settle({ type: 'error', error: message.error, bytes });
        return;
      case 'notification':
        this.#owner.events.notification(message.method, message.params);
        return;
      case 'request': {
        const reply = this.#owner.events.request(message.id, message.method);
        if (reply !== undefined) this.#owner.post(reply);
        return;
      }
      case 'invalid':
        this.settle(badAnswer(message.why));
        return;
    }
  }

  /** A message of this exchange that came on another stream, after a resumption. */
  takeResumed(message: Message, bytes: number): void {
    this.#take(message, bytes);
  }

  get settled(): boolean {
    return this.#settled;
  }
}
