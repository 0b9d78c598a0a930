/** Whether a grant counts for this call, under the terms that are in force now, and whether it is used up by it. Pure. */
import { whyMayNotDecide, type ApprovalAsk, type Approver } from '../../core/approval.ts';
import { termsOf, type Row, type StoredApprover } from './rows.ts';

/** A session of a client may last longer than anybody remembers what they approved. */
export const LONGEST_SESSION_GRANT_MS = 24 * 3_600_000;

export type Standing =
  | { readonly type: 'none' }
  | { readonly type: 'last'; readonly by: Approver }
  /** It holds for further calls, until then. */
  | { readonly type: 'remembered'; readonly by: Approver; readonly expiresAt: number };

const NONE: Standing = { type: 'none' };

/** @param row approved, not expired, and of this very call and rule */
export function standingOf(row: Row, ask: ApprovalAsk, nowMs: number): Standing {
  const { terms } = ask;
  const by = approverNow(row, ask);
  if (by === undefined || whyMayNotDecide({ terms, caller: row.caller, tenant: row.tenant }, by) !== undefined) return NONE;
  const granted = termsOf(row);
  const decidedAt = row.decided_at ?? 0;
  // Where rule and grant differ, the narrower of the two holds: then it is for one call, within either's time.
  const remember = granted.remember === terms.remember ? granted.remember : 'once';
  if (remember === 'until') {
    const expiresAt = Math.min(row.expires_at, decidedAt + (terms.rememberForMs ?? 0));
    return nowMs < expiresAt ? { type: 'remembered', by, expiresAt } : NONE;
  }
  if (remember === 'session' && row.session !== '') {
    if (row.uses > 0) return { type: 'remembered', by, expiresAt: row.expires_at };
    return nowMs < decidedAt + terms.expiresInMs ? { type: 'remembered', by, expiresAt: decidedAt + LONGEST_SESSION_GRANT_MS } : NONE;
  }
  return row.uses === 0 && nowMs < decidedAt + terms.expiresInMs ? { type: 'last', by } : NONE;
}

/** With the roles of now: the approver may have lost one since, or be gone. */
function approverNow(row: Row, { rolesOf }: ApprovalAsk): Approver | undefined {
  if (row.approver === null) return undefined;
  const { id, tenant, isSelf, isOperator } = JSON.parse(row.approver) as StoredApprover;
  const roles = isSelf ? [] : rolesOf(id, tenant);
  return roles === undefined ? undefined : { principal: { id, tenant, roles, proof: 'cli' }, isSelf, isOperator };
}
