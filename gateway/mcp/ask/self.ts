/** The person at the client as approver: whether they may be asked, and can be, and what they said. */
import type { ApprovalRequest, ApprovalVerdict } from '../../../core/approval.ts';
import { isJsonObject, own } from '../../../core/json.ts';
import type { Principal } from '../../../core/principal.ts';
import type { ApprovalDesk } from '../../approvals/index.ts';
import type { Sealer } from '../../seal.ts';
import type { RequestContext } from '../method.ts';
import { approvalForm } from './form.ts';
import type { Held } from './held.ts';
import { sealState, type BoundCall } from './request-state.ts';

/** The first version with elicitation. Versions are dates. */
const ELICITATION_SINCE = '2025-06-18';

export const mayAskSelf = ({ terms }: ApprovalRequest, context: RequestContext): boolean => terms.approvers.includes('self') && canElicit(context);

/** By the client's own words, which decide how somebody is asked, and never whether. */
function canElicit({ era, session, protocolVersion, clientCapabilities }: RequestContext): boolean {
  if (era === 'legacy' && (session === undefined || protocolVersion < ELICITATION_SINCE)) return false;
  const elicitation = own(clientCapabilities, 'elicitation');
  if (!isJsonObject(elicitation)) return false;
  // Without any mode named it is forms (MCP 2026-07-28, client/elicitation, Capabilities).
  return own(elicitation, 'form') !== undefined || own(elicitation, 'url') === undefined;
}

/** Why a verdict does not count, and whether another one still may. */
export interface Uncounted {
  readonly message: string;
  readonly isOpen: boolean;
}

/** @returns undefined where it counts, and the call may go in again */
export async function decideAsSelf({ approvals, decide }: ApprovalDesk, id: string, verdict: ApprovalVerdict, principal: Principal): Promise<Uncounted | undefined> {
  const decided = await decide(id, verdict, { principal, isSelf: true });
  if (decided.type === 'decided') return undefined;
  // Somebody else said the same meanwhile: their grant is there to be used.
  const isSame = verdict.type === 'approve' && verdict.args === undefined;
  if (isSame && decided.code === 'settled' && approvals.find(id, Date.now())?.state === 'approved') return undefined;
  return { message: decided.message, isOpen: decided.code === 'invalid' || decided.code === 'unavailable' };
}

/** The answer that asks the person at a 2026 client. */
export const inputRequired = (sealer: Sealer, request: ApprovalRequest, call: BoundCall, problem?: string): Held => ({
  type: 'input-required',
  form: approvalForm(request, problem),
  requestState: sealState(sealer, request.id, call, request.expiresAt),
});
