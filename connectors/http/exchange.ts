/**
 * One POST and its answer, as JSON or as an event stream. It settles its request once and never repeats it; how bytes
 * become a response is the client's business.
 */
import { lost, notSent, type Answer, type LinkEvents, type Outgoing } from '../link.ts';
import { parseMessages, type Message } from '../wire/jsonrpc.ts';
import { badAnswer, tooLarge } from '../wire/mux.ts';
import { createSseReader, type SseReader } from '../wire/sse.ts';
import { brokenByStatus, connectionInWords } from './answer.ts';
import type { Posting, PostFault } from './client/posting.ts';
import type { ResponseHead } from './client/response.ts';

export interface ExchangeOwner {
  readonly events: LinkEvents;
  onHead(outgoing: Outgoing, head: ResponseHead): void;
  post(text: string): void;
  /** Its answer is of no more interest: ends the connection that it comes by. */
  abort(exchange: Exchange): void;
  /** The answer's stream broke at an event id: true where the rest will be fetched, and the request settled, elsewhere. */
  resume(exchange: Exchange, lastEventId: string, retryMs: number | undefined): boolean;
  done(exchange: Exchange): void;
}

type Reading = 'json' | 'events' | 'refusal' | 'nothing';

const MAX_REFUSAL_BYTES = 64 * 1024;
/** How long a stream may stay open after its answer before it is cut. */
const LINGER_MS = 1_000;

export class Exchange implements Posting {
  readonly outgoing: Outgoing;
  readonly head: string;
  carrier: { drop(): void } | undefined;
  readonly #owner: ExchangeOwner;
  /** It went out under a session: a 404 means that the session is gone, whatever has become of it here meanwhile. */
  readonly #inSession: boolean;
  #settled = false;
  #status = 0;
  #retryAfter: string | undefined;
  #reading: Reading = 'nothing';
  #chunks: Buffer[] | undefined;
  #bytes = 0;
  #events: SseReader | undefined;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(outgoing: Outgoing, head: string, owner: ExchangeOwner, inSession: boolean) {
    this.outgoing = outgoing;
    this.head = head;
    this.#inSession = inSession;
    this.#owner = owner;
  }

  get body(): string {
    return this.outgoing.text;
  }

  /** Nobody waits any more; closing the stream tells a modern peer to stop. */
  abandon(): void {
    this.#settled = true;
    this.#cut();
  }

  settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.outgoing.settle(answer);
  }

  onHead(head: ResponseHead): void {
    const { status, contentType = '', contentEncoding } = head;
    this.#status = status;
    this.#owner.onHead(this.outgoing, head);
    if (status < 200 || status >= 300) {
      this.#retryAfter = head.retryAfter;
      this.#reading = 'refusal';
    } else if (contentEncoding !== undefined && contentEncoding !== 'identity') this.#fail(badAnswer('it is compressed, which was not asked for'));
    else if (contentType.startsWith('application/json')) {
      this.#reading = 'json';
      if ((head.contentLength ?? 0) > this.outgoing.maxBytes) this.#fail(tooLarge(this.outgoing.maxBytes));
    } else if (contentType.startsWith('text/event-stream')) {
      this.#reading = 'events';
      this.#events = this.#eventReader();
    } else this.#fail(badAnswer(status === 202 ? 'the request was accepted, but not answered (HTTP 202)' : 'it is neither JSON nor an event stream'));
  }

  onBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (this.#reading === 'events') {
      if (to > from) this.#events?.push(bytes.subarray(from, to));
      if (last) this.#eventsEnd();
      return;
    }
    this.#bytes += to - from;
    const refusal = this.#reading === 'refusal';
    if (this.#bytes > (refusal ? MAX_REFUSAL_BYTES : this.outgoing.maxBytes))
      return this.#fail(refusal ? brokenByStatus(this.#status, this.#retryAfter) : tooLarge(this.outgoing.maxBytes));
    if (!last) {
      // Lent bytes: a copy is kept. An answer that comes in one piece needs none.
      if (to > from) (this.#chunks ??= []).push(Buffer.from(bytes.subarray(from, to)));
      return;
    }
    const text = this.#text(bytes, from, to);
    this.#owner.done(this);
    if (this.#settled) return;
    if (refusal) this.settle(this.#refusal(text));
    else this.#settleJson(text);
  }

  onFault(fault: PostFault): void {
    this.#over();
    if (this.#settled) return;
    if (fault.type === 'unsent') this.settle(notSent(connectionInWords(fault.error), true));
    else if (fault.type === 'lost') this.#streamBroke(lost(connectionInWords(fault.error)));
    else this.#streamBroke(badAnswer(`it is no valid HTTP: ${fault.problem}`));
  }

  #over(): void {
    clearTimeout(this.#linger);
    this.#owner.done(this);
  }

  #eventsEnd(): void {
    this.#over();
    if (!this.#settled) this.#streamBroke(lost('it ended the stream without an answer'));
  }

  #streamBroke(answer: Answer): void {
    if (this.#lastEventId !== undefined && this.#owner.resume(this, this.#lastEventId, this.#retryMs)) return;
    this.settle(answer);
  }

  #fail(answer: Answer): void {
    this.settle(answer);
    this.#cut();
  }

  #cut(): void {
    this.#owner.abort(this);
    this.#over();
  }

  #text(bytes: Buffer, from: number, to: number): string {
    if (this.#chunks === undefined) return bytes.toString('utf8', from, to);
    this.#chunks.push(bytes.subarray(from, to));
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  #settleJson(text: string): void {
    for (const message of parseMessages(text)) this.#take(message, this.#bytes);
    this.settle(badAnswer('it does not answer this request'));
  }

  #refusal(text: string): Answer {
    const status = this.#status;
    const session = this.#inSession;
    const broken = brokenByStatus(status, this.#retryAfter);
    // MCP 2025-11-25, basic/transports, Session Management 3 and 4.
    if (status === 404 && session) return { ...broken, sessionLost: true, message: 'it no longer knows the session' };
    if (status === 401 || status === 403 || (status >= 300 && status < 400)) return broken;
    const [message] = this.#bytes === 0 ? [] : parseMessages(text);
    if (message?.type !== 'error' || (message.id !== undefined && message.id !== this.outgoing.id)) return broken;
    // Servers written after the SDK's early examples say 400 where they mean 404, and name no id since they ran nothing.
    if (status === 400 && session && message.id === undefined && /session/i.test(message.error.message))
      return { ...broken, executed: 'no', sessionLost: true, message: 'it no longer knows the session' };
    return { type: 'error', error: message.error, bytes: this.#bytes, status };
  }

  #eventReader(): SseReader {
    return createSseReader(this.outgoing.maxBytes, {
      event: (event) => {
        if (event.id !== undefined) this.#lastEventId = event.id;
        if (this.#settled || event.data === '') return; // An empty event only sets an id.
        const bytes = Buffer.byteLength(event.data);
        if (bytes > this.outgoing.maxBytes) return this.#fail(tooLarge(this.outgoing.maxBytes));
        for (const message of parseMessages(event.data)) this.#take(message, bytes);
        if (this.#settled) this.#linger = setTimeout(() => this.#cut(), LINGER_MS);
      },
      overflow: () => this.#fail(tooLarge(this.outgoing.maxBytes)),
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
