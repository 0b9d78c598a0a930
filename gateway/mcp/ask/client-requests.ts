/**
 * Requests of the gateway to a 2025 client, within its session: sent on a stream that is open, answered by a POST of the
 * client's. What they ask is their sender's business. 2026 clients get no requests; they are asked in an answer.
 */
import { randomBytes } from 'node:crypto';
import { isJsonObject, own, type JsonObject } from '../../../core/json.ts';
import type { Exchange } from '../exchange.ts';
import type { RequestId } from '../protocol.ts';
import { notificationText } from '../render.ts';
import type { EventStream } from '../stream.ts';

export type ClientAnswer =
  | { readonly type: 'result'; readonly result: JsonObject }
  /** The client will not, or cannot. */
  | { readonly type: 'error'; readonly message: string }
  /** No answer comes any more: withdrawn, or the session ended. */
  | { readonly type: 'gone' };

export interface ClientRequest {
  /** Never rejects, and waits for as long as nobody withdraws the request or ends the session. */
  readonly answer: Promise<ClientAnswer>;
  /** The answer is not wanted any more; the client is told. Nothing where it has been given. */
  withdraw(reason: string): void;
}

/** By the id of the request; each is called once. */
export type PendingAnswers = Map<RequestId, (answer: ClientAnswer) => void>;

/** What a session brings to being asked. */
export interface AskedSession {
  readonly asked: PendingAnswers;
  /** GET streams, the newest last. */
  readonly streams: ReadonlySet<EventStream>;
}

/** Unanswered at once in one session; a client that answers none of them must not be ours to remember. */
const MAX_PENDING = 64;
const GONE: ClientAnswer = { type: 'gone' };

/**
 * @param exchange of the client's request that this one serves: its stream is the place for it (2025-11-25,
 * basic/transports, "Sending Messages to the Server"); a GET stream is, where the client takes none there
 * @returns undefined where it cannot be sent, or too many wait in this session
 */
export function askClient(session: AskedSession, exchange: Exchange, method: string, params: JsonObject): ClientRequest | undefined {
  const stream = exchange.stream() ?? [...session.streams].at(-1);
  if (stream === undefined || stream.closed || session.asked.size >= MAX_PENDING) return undefined;
  // Not to be guessed, so that an answer can only come from who was asked.
  const id = randomBytes(16).toString('base64url');
  const { promise: answer, resolve } = Promise.withResolvers<ClientAnswer>();
  session.asked.set(id, resolve);
  stream.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  return {
    answer,
    withdraw(reason) {
      if (!session.asked.delete(id)) return;
      if (!stream.closed) stream.send(notificationText('notifications/cancelled', { requestId: id, reason }));
      resolve(GONE);
    },
  };
}

/** A response that came in this session. One that nobody waits for, or that came before, is nothing. */
export function takeAnswer({ asked }: AskedSession, id: RequestId | null, response: JsonObject): void {
  if (id === null) return;
  const resolve = asked.get(id);
  if (resolve === undefined) return;
  asked.delete(id);
  const result = own(response, 'result');
  resolve(isJsonObject(result) ? { type: 'result', result } : { type: 'error', message: wordsOf(own(response, 'error')) });
}

/** The session has ended. */
export function abandon(asked: PendingAnswers): void {
  for (const resolve of asked.values()) resolve(GONE);
  asked.clear();
}

const MAX_WORDS = 200;

function wordsOf(error: unknown): string {
  const message = isJsonObject(error) ? own(error, 'message') : undefined;
  return typeof message === 'string' ? message.slice(0, MAX_WORDS) : 'no reason was given';
}
