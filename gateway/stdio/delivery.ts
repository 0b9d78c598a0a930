/**
 * One request of the client, until it is answered: handed to the gateway, and to the next one where that is certain to do
 * nothing twice. What else the client does meanwhile is no concern of it.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { ERRORS } from '../../core/errors.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import { notificationText } from '../mcp/render.ts';
import { maybeExecuted, noGateway, refusal } from './answers.ts';
import { exchange, type Ending, type Exchange } from './exchange.ts';
import type { Gateway, Gateways } from './gateways.ts';
import type { Incoming } from './incoming.ts';
import type { Output } from './output.ts';
import { postOptions, type Route } from './route.ts';
import { parsed, type LegacySession, type Ticket } from './session.ts';

export type Request = Extract<Incoming, { type: 'request' }>;

export interface DeliveryParts {
  readonly route: Route;
  readonly gateways: Gateways;
  readonly session: LegacySession;
  readonly output: Output;
}

export interface Delivery {
  /** Settles when nothing more will be said of the request. Never rejects. */
  readonly done: Promise<void>;
  /** A stream that stays open until the client ends it. */
  readonly isListening: boolean;
  /** @param body the client's own `notifications/cancelled` */
  cancel(body: Buffer): void;
}

/** Nothing happens by these, however often they are asked. */
const HARMLESS = new Set(['initialize', 'ping', 'server/discover', 'tools/list', 'subscriptions/listen']);
const LISTEN = 'subscriptions/listen';
const MAX_ATTEMPTS = 10;
const PAUSE_MS = 200;
/** On another connection a cancellation may overtake its request; said twice it does not. */
const CANCEL_AGAIN_AFTER_MS = 200;
const NO_TICKET: Ticket = { type: 'ticket', headers: [], hasSession: false };

export function deliver(request: Request, parts: DeliveryParts): Delivery {
  const task = new Task(request, parts);
  return { done: task.run(), isListening: request.method === LISTEN, cancel: (body) => task.cancel(body) };
}

class Task {
  readonly #request: Request;
  readonly #parts: DeliveryParts;
  #isCancelled = false;
  #isAnswered = false;
  /** Of a subscription: the client has been told that it stands. */
  #isAcknowledged = false;
  #mayRenew = true;
  #gateway: Gateway | undefined;
  #ticket: Ticket = NO_TICKET;
  #exchange: Exchange | undefined;
  #isSent = false;

  constructor(request: Request, parts: DeliveryParts) {
    this.#request = request;
    this.#parts = parts;
  }

  async run(): Promise<void> {
    // The client may be quicker to ask than the news of a gateway's end is to be read: that is first heard out.
    await nextTurn();
    for (let attempt = 1; !this.#isCancelled; attempt++) {
      const goesOn = await this.#attempt();
      if (!goesOn) return;
      if (this.#isAcknowledged) attempt = 1;
      if (attempt >= MAX_ATTEMPTS) return this.#say(noGateway(this.#request.ids, 'The gateway could not be reached.'));
      if (attempt > 1 || this.#isAcknowledged) await delay(PAUSE_MS);
    }
  }

  /** @returns whether to try again */
  async #attempt(): Promise<boolean> {
    const { gateways, session } = this.#parts;
    const { ids, era, method } = this.#request;
    let gateway: Gateway;
    try {
      gateway = await gateways.current();
    } catch (error) {
      this.#say(noGateway(ids, (error as Error).message));
      return false;
    }
    this.#gateway = gateway;
    this.#ticket = era === 'modern' || method === 'initialize' ? NO_TICKET : await session.ticketFor(gateway);
    if (this.#isCancelled) return false;
    if (this.#ticket.type === 'refused') this.#say(refusal(ids, this.#ticket.status, this.#ticket.text));
    if (this.#ticket.type === 'lost') gateways.lost(gateway);
    if (this.#ticket.type !== 'ticket') return this.#ticket.type === 'lost';
    return this.#judge(await this.#send(gateway, this.#ticket.headers), gateway);
  }

  async #send(gateway: Gateway, headers: readonly string[]): Promise<Ending> {
    const { route, output, session } = this.#parts;
    const { body, method, era } = this.#request;
    const answered = era === 'legacy' && method === 'initialize' ? session.opening(body) : undefined;
    let received = {};
    let answer: JsonValue = null;
    this.#isSent = false;
    this.#exchange = exchange({
      ...postOptions(route, gateway, [...this.#request.headers, ...headers], body),
      pace: output,
      onSent: () => (this.#isSent = true),
      onAccepted: (head) => (received = head),
      onMessage: (json) => {
        if (answered !== undefined) answer = parsed(json);
        this.#receive(json);
      },
    });
    const ending = await this.#exchange.ending;
    this.#exchange = undefined;
    answered?.(ending.type === 'complete' ? { gateway, headers: received, json: answer } : undefined);
    return ending;
  }

  #judge(ending: Ending, gateway: Gateway): boolean {
    const { gateways, session } = this.#parts;
    const { ids, method } = this.#request;
    if (this.#isCancelled || this.#isAnswered) return false;
    if (ending.type === 'not-sent') {
      gateways.lost(gateway);
      return true;
    }
    if (ending.type === 'complete' && ending.status >= 400) {
      if (this.#mayRenew && this.#isUnknownSession(ending)) {
        this.#mayRenew = false;
        session.forget(this.#ticket);
        return true;
      }
      this.#say(refusal(ids, ending.status, ending.text));
      return false;
    }
    if (ids.length === 0) return false;
    if (HARMLESS.has(method)) return true;
    this.#say(maybeExecuted(ids));
    return false;
  }

  /** Then nothing was executed (2025-11-25, basic/transports, "Session Management"). */
  #isUnknownSession({ status, text }: { readonly status: number; readonly text: string }): boolean {
    if (status !== 404 || this.#ticket.type !== 'ticket' || !this.#ticket.hasSession) return false;
    const value = parsed(text);
    const error = isJsonObject(value) ? own(value, 'error') : undefined;
    return isJsonObject(error) && own(error, 'code') === ERRORS.unknown_session.rpc;
  }

  #receive(json: string | Buffer): void {
    if (this.#isCancelled) return;
    // A body that is no stream is the answer, whole; it is not looked at.
    const message = typeof json === 'string' ? parsed(json) : undefined;
    if (message === undefined) return this.#say(json);
    if (this.#request.method === LISTEN && isJsonObject(message)) return this.#receiveFromSubscription(json, message);
    const isAnswer = isJsonObject(message) && own(message, 'method') === undefined;
    if (isAnswer) this.#say(json);
    else this.#parts.output.write(json);
  }

  #receiveFromSubscription(json: string | Buffer, message: JsonObject): void {
    const { output } = this.#parts;
    // It ends because that gateway stops. Another one takes it over, so for the client it goes on.
    if (own(message, 'result') !== undefined) return;
    if (own(message, 'error') !== undefined) return this.#say(json);
    if (own(message, 'method') !== 'notifications/subscriptions/acknowledged') return output.write(json);
    if (!this.#isAcknowledged) output.write(json);
    else for (const missed of mayHaveMissed(own(message, 'params'))) output.write(missed);
    this.#isAcknowledged = true;
  }

  #say(answer: string | Buffer | undefined): void {
    if (this.#isAnswered || this.#isCancelled) return;
    this.#isAnswered = true;
    if (answer !== undefined) this.#parts.output.write(answer);
  }

  cancel(body: Buffer): void {
    // 2025-11-25, basic/utilities/cancellation: `initialize` cannot be cancelled.
    if (this.#request.method === 'initialize') return;
    this.#isCancelled = true;
    const running = this.#exchange;
    const gateway = this.#gateway;
    if (running === undefined || gateway === undefined) return;
    const { route } = this.#parts;
    if (!this.#isSent || this.#ticket.type !== 'ticket' || !this.#ticket.hasSession) return running.abort();
    const options = postOptions(route, gateway, this.#ticket.headers, body);
    exchange(options);
    const again = setTimeout(() => exchange(options), CANCEL_AGAIN_AFTER_MS);
    void running.ending.then(() => clearTimeout(again));
  }
}

/** What changed while a subscription moved from one gateway to another was announced to nobody: said now, to be safe. */
function mayHaveMissed(params: JsonValue | undefined): string[] {
  if (!isJsonObject(params)) return [];
  const agreed = own(params, 'notifications');
  const meta = own(params, '_meta');
  if (!isJsonObject(agreed) || !isJsonObject(meta)) return [];
  return own(agreed, 'toolsListChanged') === true ? [notificationText('notifications/tools/list_changed', { _meta: meta })] : [];
}
