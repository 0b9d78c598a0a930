/**
 * Phase 4 of the one path: a call that a rule asks about goes on with a grant, or waits for one. It resumes nothing: a
 * call that waited comes in again from the top, so that the rules in force decide it anew.
 */
import { whyMayNotDecide, type ApprovalRequest, type Approvals, type Claim } from '../../core/approval.ts';
import type { Ledger, LedgerEntry } from '../../core/audit.ts';
import type { ToolCall } from '../../core/call.ts';
import type { Outcome } from '../../core/outcome.ts';
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
  /** Whether the approver could have approved what a rule asks about the arguments that they wrote. */
  covers(decision: Decision): boolean;
}

export type Approval =
  | { readonly type: 'granted'; readonly grant: Grant }
  /** With arguments that the approver wrote in place of the call's: nothing has been decided about them yet. */
  | { readonly type: 'edited'; readonly grant: Grant; readonly args: JsonObject }
  /** Recorded already. */
  | { readonly type: 'waiting'; readonly outcome: Outcome & { type: 'waiting' } }
  | { readonly type: 'refused'; readonly outcome: Outcome & { type: 'refused' } };

/** @param given by which the call's arguments were written: they may need no other approval than the approver could give */
export type ApprovalPhase = (box: Box, call: ToolCall, route: ViewRoute, decision: Decision, given: Grant | undefined) => Approval;

/** What the records of calls do for approvals. */
export interface ApprovalRecords {
  /** Keyed, so that nobody can guess short arguments from it. */
  digest(args: JsonObject): string;
  waiting(box: Box, call: ToolCall, route: ViewRoute, outcome: Outcome & { type: 'waiting' }): LedgerEntry;
}

export interface ApprovalPhaseParts {
  readonly approvals: Approvals;
  readonly ledger: Ledger;
  readonly records: ApprovalRecords;
  /** Told of each new request. Must not throw. */
  readonly onRequest: (request: ApprovalRequest) => void;
  readonly log: Log;
}

/** Of a rule that asks and does not say how. */
const TERMS: AskTerms = { approvers: ['self'], expiresInMs: 600_000, remember: 'once' };

export function createApprovalPhase({ approvals, ledger, records, onRequest, log }: ApprovalPhaseParts): ApprovalPhase {
  function claimFor(box: Box, { principal, origin, args }: ToolCall, { ref, fingerprint }: ViewRoute, decision: Decision): Claim {
    const { rule = '', reason, policyHash, ask: terms = TERMS } = decision;
    const shownArgs = box.redact(args) as JsonObject;
    const rolesOf = (id: string, tenant: string) => box.settings.callers.find((caller) => caller.id === id && caller.tenant === tenant)?.roles;
    return approvals.claim({ principal, origin, tool: ref, fingerprint, args, argsDigest: records.digest(args), shownArgs, rule, reason, policyHash, terms, rolesOf }, Date.now());
  }

  return (box, call, route, decision, given) => {
    if (given !== undefined) {
      if (given.covers(decision)) return { type: 'granted', grant: given };
      return refused('denied', `The arguments that the approver wrote are for others to approve: ${decision.reason}`, decision);
    }
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
        const { request, by, args } = claim;
        const covers = ({ ask: terms = TERMS }: Decision): boolean => whyMayNotDecide({ ...request, terms }, by) === undefined;
        const grant: Grant = { approval: request.id, approvedBy: by.principal.id, edited: args !== undefined, covers };
        return args === undefined ? { type, grant } : { type: 'edited', grant, args };
      }
      case 'denied':
        return refused('denied', `A person denied this call${claim.request.note === undefined ? '.' : `: ${claim.request.note}`}`, decision);
      case 'full':
        return refused('rate_limited', `${claim.message}.`, decision);
      case 'waiting': {
        const { request, isNew } = claim;
        if (isNew) onRequest(request);
        const outcome = { type, approvalId: request.id, message: `${decision.reason} (approval ${request.id})`, decision, request };
        ledger.writeSoon(records.waiting(box, call, route, outcome));
        return { type, outcome };
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
