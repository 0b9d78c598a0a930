/**
 * Phase 4 of the one path: a call that a rule asks about goes on with a grant, or waits for one. It resumes nothing: a
 * call that waited comes in again from the top, so that the rules in force decide it anew.
 */
import type { ApprovalRequest, Approvals, Claim } from '../../core/approval.ts';
import type { Outcome, ToolCall } from '../../core/call.ts';
import type { AskTerms, Decision } from '../../core/decision.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { Box } from '../box.ts';
import type { ViewRoute } from '../catalog/view.ts';

/** By which a call that was asked about goes on; what its records say of it. */
export interface Grant {
  readonly approval: string;
  readonly approvedBy: string;
  readonly edited: boolean;
}

export type Approval =
  /** `args`: the approver's own, in place of the call's. They have not been decided about yet. */
  | { readonly type: 'granted'; readonly grant: Grant; readonly args?: JsonObject }
  | { readonly type: 'waiting'; readonly outcome: Outcome & { type: 'waiting' } }
  | { readonly type: 'refused'; readonly outcome: Outcome & { type: 'refused' } };

export type ApprovalPhase = (box: Box, call: ToolCall, route: ViewRoute, decision: Decision) => Approval;

export interface ApprovalPhaseParts {
  readonly approvals: Approvals;
  /** Keyed, so that nobody can guess short arguments from it. */
  readonly digest: (args: JsonObject) => string;
  /** Told of each new request. Must not throw. */
  readonly onRequest: (request: ApprovalRequest) => void;
  readonly log: Log;
}

/** Of a rule that asks and does not say how. */
const TERMS: AskTerms = { approvers: ['self'], expiresInMs: 600_000, remember: 'once' };

export function createApprovalPhase({ approvals, digest, onRequest, log }: ApprovalPhaseParts): ApprovalPhase {
  function claimFor(box: Box, { principal, origin, args }: ToolCall, { ref, fingerprint }: ViewRoute, decision: Decision): Claim {
    const { rule = '', reason, policyHash, ask: terms = TERMS } = decision;
    const shownArgs = box.redact(args) as JsonObject;
    const rolesOf = (id: string, tenant: string) => box.settings.callers.find((caller) => caller.id === id && caller.tenant === tenant)?.roles;
    return approvals.claim({ principal, origin, tool: ref, fingerprint, args, argsDigest: digest(args), shownArgs, rule, reason, policyHash, terms, rolesOf }, Date.now());
  }

  return (box, call, route, decision) => {
    let claim: Claim;
    try {
      claim = claimFor(box, call, route, decision);
    } catch (error) {
      log.error({ call: call.id, error: String(error) }, 'call refused: approvals cannot be read or written');
      return refused('ledger_unavailable', 'The call was not made, because its approval could not be recorded.', decision);
    }
    const { type } = claim;
    switch (type) {
      case 'granted': {
        const { id, decidedBy = '' } = claim.request;
        return { type, grant: { approval: id, approvedBy: decidedBy, edited: claim.args !== undefined }, ...(claim.args === undefined ? {} : { args: claim.args }) };
      }
      case 'denied':
        return refused('denied', `A person denied this call${claim.request.note === undefined ? '.' : `: ${claim.request.note}`}`, decision);
      case 'full':
        return refused('rate_limited', `${claim.message}.`, decision);
      case 'waiting': {
        const { request, isNew } = claim;
        if (isNew) onRequest(request);
        return { type, outcome: { type, approvalId: request.id, message: `${decision.reason} (approval ${request.id})`, decision, request } };
      }
      default:
        return type satisfies never;
    }
  };
}

const refused = (code: 'denied' | 'rate_limited' | 'ledger_unavailable', message: string, decision: Decision): Approval => ({
  type: 'refused',
  outcome: { type: 'refused', code, message, decision },
});
