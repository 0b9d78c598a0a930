/** One upstream; its transport and protocol era stay behind this port. */
import type { Cancellation } from './cancel.ts';
import type { Progress } from './progress.ts';
import type { HistogramReading } from './histogram.ts';
import type { JsonObject } from './json.ts';
import type { UpstreamTool } from './tool.ts';

export interface Invocation {
  /** The tool's upstream name. */
  readonly tool: string;
  readonly args: JsonObject;
  /** Passed on in `_meta`; holds no key that the connector sets itself. */
  readonly meta?: JsonObject | undefined;
  /** W3C trace context: goes upstream in `_meta`, and over HTTP as headers too. Both have been checked. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly cancellation: Cancellation;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly clientCapabilities?: JsonObject | undefined;
}

export type FaultReason =
  /** Not connected, breaker open, or the connection broke before anything was sent. */
  | 'unavailable'
  /** No free place within the queue's bounds. */
  | 'overloaded'
  | 'timeout'
  | 'cancelled'
  | 'too-large'
  /** The connection broke while the answer was awaited. */
  | 'lost'
  /** The answer was no valid message. */
  | 'protocol';

export type InvokeResult =
  | { readonly type: 'result'; readonly result: JsonObject; readonly bytes: number }
  /** The upstream's own JSON-RPC error, raw. */
  | { readonly type: 'error'; readonly error: { code: number; message: string; data?: unknown }; readonly bytes: number }
  | {
      readonly type: 'fault';
      readonly reason: FaultReason;
      /** In words; fit for the caller; holds no credential and no address beyond the server's id. */
      readonly message: string;
      /** `no` only where it is certain that the upstream did not run the call. */
      readonly executed: 'no' | 'maybe';
      readonly retryAfterMs?: number;
    };

export type ConnectorState = 'connecting' | 'ready' | 'failed' | 'closed';

export interface ConnectorStatus {
  readonly id: string;
  readonly state: ConnectorState;
  readonly transport: 'stdio' | 'http' | 'sse';
  /** Protocol version in use, once connected. */
  readonly protocolVersion?: string;
  readonly serverInfo?: JsonObject;
  /** Why it is not ready, in words, with what to do about it. */
  readonly problem?: string;
  /** Epoch milliseconds of the next attempt, where one is planned. */
  readonly nextAttemptAt?: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly toolCount: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly pid?: number;
}

/**
 * Life: created, `start` once, any number of `invoke`, `close` once. Every method is safe in every state;
 * `invoke` never rejects. The connector reconnects by itself until it is closed.
 */
export interface Connector {
  readonly id: string;
  start(): void;
  /** Settles when it has connected and listed its tools, or failed once. Never rejects. */
  readonly settled: Promise<void>;
  /** The tools last listed; empty while it is not ready. The same array until they change. */
  tools(): readonly UpstreamTool[];
  /** How long the upstream lets its list be kept, in ms; `undefined` where it does not say. */
  listTtlMs(): number | undefined;
  /** `performance.now()` at which the listing that `tools()` shows was asked for; `-Infinity` while there is none. */
  confirmedAt(): number;
  /**
   * Lists the tools anew; those who ask while a listing is under way share that one. Afterwards `tools()` and
   * `confirmedAt()` are the new ones. Rejects with words fit for the caller where it fails, within the time for connecting.
   */
  refresh(): Promise<void>;
  /** Called after `tools()` or `status().state` changed. Returns a function that takes the listener back. */
  onChange(listener: () => void): () => void;
  invoke(invocation: Invocation): Promise<InvokeResult>;
  status(): ConnectorStatus;
  /** How long calls waited for a place, of those that had to. */
  readonly queueTimes?: HistogramReading;
  /** Ends what runs (after `graceMs` at most), closes connections, and leaves no process behind. */
  close(graceMs: number): Promise<void>;
}
