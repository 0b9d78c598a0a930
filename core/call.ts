/** The neutral request for one tool call, and every way it can end. */
import type { ApprovalRequest } from './approval.ts';
import type { Cancellation } from './cancel.ts';
import type { Decision } from './decision.ts';
import type { ErrorCode } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { Origin } from './origin.ts';
import type { CallTrace } from './trace.ts';
import type { Principal } from './principal.ts';

export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

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

/** How a call ended: an expected value, never an exception. */
export type Outcome =
  /** The upstream answered. `isError` is the tool's own word; `result` is its result, unknown fields and all. */
  | { readonly type: 'completed'; readonly result: JsonObject; readonly isError: boolean }
  /** Nothing was sent upstream. */
  | {
      readonly type: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly decision?: Decision;
      readonly retryAfterMs?: number;
    }
  /** Held for a person. Nothing was sent upstream. */
  | {
      readonly type: 'waiting';
      /** That of the request. */
      readonly approvalId: string;
      readonly message: string;
      readonly decision: Decision;
      readonly request: ApprovalRequest;
    }
  /** Sent, or about to be, and it went wrong. `executed` says whether the upstream may have run it. */
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly executed: 'no' | 'maybe';
      /** The upstream's own JSON-RPC error, where it gave one. */
      readonly upstreamError?: { readonly code: number; readonly message: string; readonly data?: unknown };
      readonly retryAfterMs?: number;
    };
