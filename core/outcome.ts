/** Every way in which a call can end. */
import type { ApprovalRequest } from './approval.ts';
import type { Decision } from './decision.ts';
import type { ErrorCode } from './errors.ts';
import type { JsonObject } from './json.ts';

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
