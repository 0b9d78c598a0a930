/** Calls that a person decides: the request, the grant that comes of it, who may decide, and who keeps both. */
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
  /** Roles that a caller has now; undefined where there is no such caller. An approver who lost the role has approved nothing. */
  readonly rolesOf: (caller: string, tenant: string) => readonly string[] | undefined;
}

export type Claim =
  /**
   * A grant was there and, unless it is remembered, is used up now, durably. `args` where the approver changed them;
   * `by` with the roles that the approver has now.
   */
  | { readonly type: 'granted'; readonly request: ApprovalRequest; readonly by: Approver; readonly args?: JsonObject }
  /** A person said no; said once, then the next call asks anew. */
  | { readonly type: 'denied'; readonly request: ApprovalRequest }
  /** Waits: a new request, or the one that the same call made before. */
  | { readonly type: 'waiting'; readonly request: ApprovalRequest; readonly isNew: boolean }
  /** No place for another request; nothing was made. */
  | { readonly type: 'full'; readonly message: string };

export type ApprovalVerdict =
  | { readonly type: 'approve'; readonly args?: JsonObject }
  | { readonly type: 'deny'; readonly note?: string };

export interface Approver {
  readonly principal: Principal;
  /** Decides as the person at the client that the call came from, not as somebody with a role. */
  readonly isSelf: boolean;
  /** By the operator's token: the person on this machine, who with `isSelf` may stand for the caller. */
  readonly isOperator?: boolean;
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
  /**
   * Called once the request is no longer pending (at once where that is so already), with what became of it; must not
   * throw. Returns a function that takes the listener back.
   */
  onDecided(id: string, listener: (request: ApprovalRequest) => void): () => void;
  /** Grants remembered for this session end with it. */
  endSession(sessionId: string): void;
  /** Ends what is overdue and forgets what is old. @throws Error when the store cannot be written */
  sweep(nowMs: number): void;
  close(): void;
}

const OWN_WORD = 'self';

/** Why this approver may not decide this request, in words; undefined where they may. */
export function whyMayNotDecide({ terms: { approvers }, caller, tenant }: Pick<ApprovalRequest, 'terms' | 'caller' | 'tenant'>, { principal, isSelf, isOperator }: Approver): string | undefined {
  const isOwn = principal.id === caller && principal.tenant === tenant;
  if (isSelf && approvers.includes(OWN_WORD) && (isOwn || isOperator === true)) return undefined;
  const hasRole = approvers.some((role) => role !== OWN_WORD && principal.roles.includes(role));
  if (hasRole && !isOwn && principal.tenant === tenant) return undefined;
  if (hasRole && isOwn) return `Nobody approves a call of their own; ${whoMay(approvers)} may.`;
  return `This is not for ${isOperator === true && isSelf ? 'the operator' : `"${principal.id}"`} to decide; ${whoMay(approvers)} may.`;
}

/** `the person at the client`, `another caller of the same tenant with the role "lead" or "admin"`. */
export function whoMay(approvers: readonly string[]): string {
  const roles = approvers.filter((role) => role !== OWN_WORD).map((role) => `"${role}"`);
  const ways = approvers.includes(OWN_WORD) ? ['the person at the client'] : [];
  if (roles.length > 0) ways.push(`another caller of the same tenant with the role ${roles.join(' or ')}`);
  return ways.join(', or ');
}

/** Why a request cannot be decided now, and by this approver; undefined where it can. */
export function whyNotDecidable(id: string, request: ApprovalRequest | undefined, by: Approver): (Decided & { type: 'refused' }) | undefined {
  if (request === undefined) return { type: 'refused', code: 'unknown', message: `There is no approval "${id.slice(0, 64)}".` };
  const why = whyMayNotDecide(request, by);
  if (why !== undefined) return { type: 'refused', code: 'forbidden', message: why };
  if (request.state === 'pending') return undefined;
  const whom = request.decidedBy === undefined ? '' : ` by ${request.decidedBy}`;
  return { type: 'refused', code: 'settled', message: `Approval ${id} is ${request.state} already${whom}.` };
}
