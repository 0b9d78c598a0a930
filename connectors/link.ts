/**
 * The port between a session (which knows MCP) and a transport (which knows how bytes travel). A link carries JSON-RPC
 * texts and says honestly what became of them; it knows no tool, no breaker, no queue.
 */
import type { FaultReason } from '../core/connector.ts';
import type { JsonObject } from '../core/json.ts';
import type { RpcError } from './wire/jsonrpc.ts';

export type Answer =
  | { readonly type: 'result'; readonly result: JsonObject; readonly bytes: number }
  /** `status` where HTTP carried it in an answer other than 200. */
  | { readonly type: 'error'; readonly error: RpcError; readonly bytes: number; readonly status?: number }
  | Broken;

/** No JSON-RPC answer came, or none will. */
export interface Broken {
  readonly type: 'broken';
  readonly reason: FaultReason;
  /** In words; no address, no header value. */
  readonly message: string;
  readonly executed: 'no' | 'maybe';
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** The peer no longer knows the session that the request named (HTTP 404): it was not executed. */
  readonly sessionLost?: boolean;
  /** No connection could be made: the upstream is down, not slow. */
  readonly unreachable?: boolean;
}

/** One request on its way. Made by the session, kept by the link until it is settled or abandoned. */
export interface Outgoing {
  readonly id: number;
  readonly method: string;
  /** The JSON-RPC request: one line, no line break. */
  readonly text: string;
  /** HTTP only: header lines for this request alone, each with its line break. */
  readonly fields?: string | undefined;
  readonly maxBytes: number;
  /** Called once, unless the request is abandoned first. */
  settle(answer: Answer): void;
}

export interface LinkEvents {
  notification(method: string, params: JsonObject | undefined): void;
  /** A request of the upstream's own. What is returned is sent back as the answer; `undefined` sends nothing. */
  request(id: string | number, method: string): string | undefined;
  /** The link has ended by itself. Every request under way has been settled before. */
  down(problem: string): void;
}

/** What a handshake agreed on. */
export interface Agreement {
  readonly era: 'modern' | 'legacy';
  readonly version: string;
}

/** Life: opened, used, closed once. Methods are safe after the end: requests settle as not executed. */
export interface Link {
  readonly transport: 'stdio' | 'http' | 'sse';
  readonly pid: number | undefined;
  /** Why it has ended by itself, once it has. */
  readonly ended: string | undefined;
  send(outgoing: Outgoing): void;
  /** Stops waiting. Over HTTP the request is aborted; elsewhere the session sends `notifications/cancelled`. */
  abandon(outgoing: Outgoing): void;
  /** A notification or a response. `done` is called once it has been taken, or cannot be. */
  post(text: string, done?: () => void): void;
  /** Told once a handshake is done, and again after every later one. */
  agree(agreement: Agreement): void;
  /** Forgets the transport's session before a new handshake. */
  forgetSession(): void;
  close(graceMs: number): Promise<void>;
}

export const notSent = (message: string, unreachable = false): Broken => ({
  type: 'broken',
  reason: 'unavailable',
  message,
  executed: 'no',
  ...(unreachable ? { unreachable } : {}),
});

export const lost = (message: string): Broken => ({ type: 'broken', reason: 'lost', message, executed: 'maybe' });
