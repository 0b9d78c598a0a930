/** The neutral request for one tool call. */
import type { Cancellation } from './cancel.ts';
import type { JsonObject } from './json.ts';
import type { Origin } from './origin.ts';
import type { Principal } from './principal.ts';
import type { Progress } from './progress.ts';
import type { CallTrace } from './trace.ts';

export interface CallContext {
  readonly cancellation: Cancellation;
  /** W3C trace context that came with the call. */
  readonly traceparent?: string | undefined;
  /** Goes with it, unread. */
  readonly tracestate?: string | undefined;
  /** The call's own span, where it is traced: then the two above are its own. */
  readonly trace?: CallTrace | undefined;
  /** Called in order, before the outcome, never after it. Absent where the client asked for no progress. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** What the client says it can do (its words: never a policy input). */
  readonly clientCapabilities?: JsonObject | undefined;
  readonly clientInfo?: JsonObject | undefined;
  /** The client's `_meta` without the keys that the gateway answers for; passed on upstream. */
  readonly meta?: JsonObject | undefined;
  /** `performance.now()` when the call arrived. */
  readonly arrivedAt: number;
}

export interface ToolCall {
  /** Unique in the ledger; sortable by time. */
  readonly id: string;
  readonly principal: Principal;
  readonly profile: string | undefined;
  /** As the caller wrote it: a public name of the profile. */
  readonly name: string;
  readonly args: JsonObject;
  readonly origin: Origin;
  readonly context: CallContext;
}
