/** Calls that a person decides: the request, the grant that comes of it, and who keeps both. */
import type { AskTerms } from './decision.ts';
import type { JsonObject } from './json.ts';
import type { Origin } from './origin.ts';
import type { Principal } from './principal.ts';

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'used';

/** What a person sees, and what a record says. Arguments are redacted as configured. */
export interface ApprovalRequest {
  /** Unguessable; what the error to the caller carries, and what a grant is found by. */
  readonly id: string;
  readonly caller: string;
  readonly tenant: string;
  readonly face: Origin['face'];
  readonly sessionId?: string;
  /** `server/tool`. */
  readonly tool: string;
  readonly fingerprint: string;
  readonly args: JsonObject;
  readonly argsDigest: string;
  readonly rule: string;
  /** Why the rule asks, in its words. */
  readonly reason: string;
  readonly policyHash: string;
  readonly terms: AskTerms;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly state: ApprovalState;
  readonly decidedBy?: string;
  readonly decidedAt?: number;
  /** With `denied`: fit for the model to read. */
  readonly note?: string;
  /** The approver changed the arguments (they are not shown again). */
  readonly edited?: boolean;
}

/** A call that needs a grant now. */
export interface ApprovalAsk {
  readonly principal: Principal;
  readonly origin: Origin;
  readonly tool: string;
  readonly fingerprint: string;
  /** As they came. */
  readonly args: JsonObject;
  /** Keyed digest of the canonical arguments as they came. */
  readonly argsDigest: string;
  /** For the person. */
  readonly shownArgs: JsonObject;
  readonly rule: string;
  readonly reason: string;
  readonly policyHash: string;
  readonly terms: AskTerms;
}

export type Claim =
  /** A grant was there and, unless it is remembered, is used up now, durably. `args` where the approver changed them. */
  | { readonly type: 'granted'; readonly request: ApprovalRequest; readonly args?: JsonObject }
  /** A person said no; said once, then the next call asks anew. */
  | { readonly type: 'denied'; readonly request: ApprovalRequest }
  /** Waits: a new request, or the one that the same call made before. */
  | { readonly type: 'waiting'; readonly request: ApprovalRequest }
  /** No place for another request; nothing was made. */
  | { readonly type: 'full'; readonly message: string };

export type ApprovalVerdict =
  | { readonly type: 'approve'; readonly args?: JsonObject }
  | { readonly type: 'deny'; readonly note?: string };

export interface Approver {
  readonly principal: Principal;
  /** Decides as the person at the client that the call came from, not as somebody with a role. */
  readonly isSelf: boolean;
}

export type Decided =
  | { readonly type: 'decided'; readonly request: ApprovalRequest }
  /** In words: it is not there, is decided already, has expired, or this approver may not. */
  | { readonly type: 'refused'; readonly code: 'unknown' | 'settled' | 'forbidden'; readonly message: string };

/**
 * Requests and grants of one data directory: durable before a method returns, bound to principal (id and tenant), tool,
 * fingerprint and argument digest. Synchronous, so that fifty replays of a single grant are one call.
 */
export interface Approvals {
  /** @throws Error when the store cannot be written: the call is refused then */
  claim(ask: ApprovalAsk, nowMs: number): Claim;
  /** Nobody decides a request of their own where roles approve. @throws Error when the store cannot be written */
  decide(id: string, verdict: ApprovalVerdict, by: Approver, nowMs: number): Decided;
  find(id: string, nowMs: number): ApprovalRequest | undefined;
  /** Newest first. */
  list(filter: { readonly state?: ApprovalState; readonly limit: number }, nowMs: number): ApprovalRequest[];
  /** Called once the request is no longer pending, with what became of it. Returns a function that takes the listener back. */
  onDecided(id: string, listener: (request: ApprovalRequest) => void): () => void;
  /** Grants remembered for this session end with it. */
  endSession(sessionId: string): void;
  close(): void;
}
