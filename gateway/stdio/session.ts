/**
 * The 2025 client's session with whichever gateway runs now. The client opened one; where the gateway changes or forgets
 * it, its own `initialize` and `notifications/initialized` are said again, and the client need not know.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, own, type JsonValue } from '../../core/json.ts';
import { notificationText } from '../mcp/render.ts';
import { exchange, type Ending } from './exchange.ts';
import type { Gateway, Gateways } from './gateways.ts';
import type { Output } from './output.ts';
import { postOptions, type Route } from './route.ts';

/** What a request of this era takes along. */
export type Ticket =
  | { readonly type: 'ticket'; readonly headers: readonly string[]; readonly hasSession: boolean }
  /** The gateway went away meanwhile. */
  | { readonly type: 'lost' }
  /** It gives no session; `text` is its answer. */
  | { readonly type: 'refused'; readonly status: number; readonly text: string };

interface Held {
  readonly gateway: Gateway;
  readonly headers: readonly string[];
}

/** The gateway's answer to the client's `initialize`. */
export interface Opened {
  readonly gateway: Gateway;
  readonly headers: IncomingHttpHeaders;
  readonly json: JsonValue;
}

const STREAM_PAUSE_MS = 500;
const LIST_CHANGED = notificationText('notifications/tools/list_changed');
const NONE: Ticket = { type: 'ticket', headers: [], hasSession: false };

export class LegacySession {
  readonly #route: Route;
  readonly #gateways: Gateways;
  readonly #output: Output;
  #initialize: Buffer | undefined;
  #initialized: Buffer | undefined;
  #opening: Promise<void> | undefined;
  #renewing: Promise<Ticket> | undefined;
  #held: Held | undefined;
  #isClosed = false;

  constructor(route: Route, gateways: Gateways, output: Output) {
    this.#route = route;
    this.#gateways = gateways;
    this.#output = output;
  }

  /** The client's `initialize` is on its way, and what comes after it waits. Returns what to call with the answer, or without. */
  opening(body: Buffer): (opened: Opened | undefined) => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opening = promise;
    return (opened) => {
      const held = opened === undefined ? undefined : heldFrom(opened.gateway, opened.headers, opened.json);
      if (held !== undefined) {
        this.#held = held;
        this.#initialize = body;
        this.#initialized = undefined;
      }
      this.#opening = undefined;
      resolve();
    };
  }

  /** The client has said `notifications/initialized`: from here on it may be told things. */
  initialized(body: Buffer): void {
    if (this.#initialize === undefined || this.#initialized !== undefined) return;
    this.#initialized = body;
    if (this.#held !== undefined) void this.#stream(this.#held);
  }

  /** What a request takes along, at this gateway: opens the session there where it is another than before. */
  async ticketFor(gateway: Gateway): Promise<Ticket> {
    await this.#opening;
    if (this.#held?.gateway === gateway) return ticketOf(this.#held);
    // A client that never opened a session gets by without one.
    if (this.#initialize === undefined) return NONE;
    this.#renewing ??= this.#renew(gateway, this.#initialize).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  /** The gateway says that there is no such session. */
  forget(ticket: Ticket): void {
    if (ticket.type === 'ticket' && this.#held?.headers === ticket.headers) this.#held = undefined;
  }

  /** Ends it at the gateway, within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const { pool: dispatcher, headers } = held.gateway;
    const { ending } = exchange({ dispatcher, method: 'DELETE', path: this.#route.path, headers: [...headers, ...this.#route.headers, ...held.headers] });
    await Promise.race([ending, delay(timeoutMs)]);
  }

  async #renew(gateway: Gateway, initialize: Buffer): Promise<Ticket> {
    let headers: IncomingHttpHeaders = {};
    let answer: JsonValue = null;
    const ending = await exchange({
      ...postOptions(this.#route, gateway, [], initialize),
      onAccepted: (received) => (headers = received),
      onMessage: (json) => (answer = parsed(json)),
    }).ending;
    if (ending.type !== 'complete') return { type: 'lost' };
    const held = heldFrom(gateway, headers, answer);
    if (held === undefined) return { type: 'refused', status: ending.status, text: ending.status < 400 ? JSON.stringify(answer) : ending.text };
    const initialized = this.#initialized;
    if (initialized !== undefined) {
      const told = await exchange(postOptions(this.#route, gateway, held.headers, initialized)).ending;
      if (told.type !== 'complete') return { type: 'lost' };
    }
    this.#held = held;
    if (initialized !== undefined) {
      // What changed between the two sessions was announced to neither.
      this.#output.write(LIST_CHANGED);
      void this.#stream(held);
    }
    return ticketOf(held);
  }

  /** Messages that belong to no request (2025-11-25, basic/transports, "Listening for Messages from the Server"). */
  async #stream(mine: Held): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      const ending = await this.#read(mine, isFirst);
      if (this.#held !== mine || this.#isClosed) return;
      if (ending.type === 'complete' && ending.status === 404) this.#held = undefined;
      else if (ending.type === 'not-sent') this.#gateways.lost(mine.gateway);
      else await delay(STREAM_PAUSE_MS);
      if (!(await this.#isStill(mine))) return;
    }
  }

  #read({ gateway, headers }: Held, isFirst: boolean): Promise<Ending> {
    return exchange({
      dispatcher: gateway.pool,
      method: 'GET',
      path: this.#route.path,
      headers: ['accept', 'text/event-stream', ...gateway.headers, ...this.#route.headers, ...headers],
      pace: this.#output,
      onAccepted: () => {
        if (!isFirst) this.#output.write(LIST_CHANGED);
      },
      onMessage: (json) => this.#output.write(json),
    }).ending;
  }

  /** Whether a session whose stream ended is the one to go on with; where it is not, the next one is opened. */
  async #isStill(mine: Held): Promise<boolean> {
    for (;;) {
      const gateway = await this.#gateways.current().catch(() => undefined);
      // Without a gateway there is nothing to listen to; the client's next request looks for one again.
      if (gateway === undefined || this.#isClosed) return false;
      if (this.#held === mine && gateway === mine.gateway) return true;
      const ticket = await this.ticketFor(gateway);
      if (ticket.type !== 'lost') return false;
      this.#gateways.lost(gateway);
    }
  }
}

const ticketOf = ({ headers }: Held): Ticket => ({ type: 'ticket', headers, hasSession: true });

function heldFrom(gateway: Gateway, headers: IncomingHttpHeaders, answer: JsonValue): Held | undefined {
  const id = headers['mcp-session-id'];
  const result = isJsonObject(answer) ? own(answer, 'result') : undefined;
  const version = isJsonObject(result) ? own(result, 'protocolVersion') : undefined;
  if (typeof id !== 'string' || typeof version !== 'string') return undefined;
  return { gateway, headers: ['mcp-session-id', id, 'mcp-protocol-version', version] };
}

export function parsed(json: string | Buffer): JsonValue {
  try {
    return JSON.parse(json.toString('utf8')) as JsonValue;
  } catch {
    return null;
  }
}
