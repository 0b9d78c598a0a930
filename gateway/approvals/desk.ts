/**
 * Where requests are decided, whoever asks for it: the admin API, the commands, a client that elicits. A decision is in
 * the ledger before it counts. Who the approver is, the way in has found out already.
 */
import { whyNotDecidable, type ApprovalRequest, type Approvals, type ApprovalVerdict, type Approver, type Decided } from '../../core/approval.ts';
import type { AuditRecord, Ledger } from '../../core/audit.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';

export type Decision =
  | Decided
  /** `invalid`: the verdict itself makes no sense. `unavailable`: it could not be written down, and does not count. */
  | { readonly type: 'refused'; readonly code: 'invalid' | 'unavailable'; readonly message: string };

export interface ApprovalDesk {
  readonly approvals: Approvals;
  /** Never rejects. A note is redacted before it goes anywhere. */
  decide(id: string, verdict: ApprovalVerdict, by: Approver): Promise<Decision>;
}

export interface ApprovalDeskParts {
  readonly approvals: Approvals;
  readonly ledger: Ledger;
  readonly digest: (args: JsonObject) => string;
  readonly redactText: (text: string) => string;
  readonly log: Log;
  readonly onDecided?: (request: ApprovalRequest) => void;
}

const HASH_DIGITS = 16;

/** What no caller can be called; decides as the person on this machine. */
export const OPERATOR_ID = '(operator)';

export function createApprovalDesk({ approvals, ledger, digest, redactText, log, onDecided }: ApprovalDeskParts): ApprovalDesk {
  /** Ids that are being recorded now: the second to decide is late, not overruled. */
  const underWay = new Set<string>();

  async function decide(id: string, given: ApprovalVerdict, by: Approver): Promise<Decision> {
    const nowMs = Date.now();
    const request = approvals.find(id, nowMs);
    const refused = whyNotDecidable(id, request, by);
    if (request === undefined || refused !== undefined) return refused as Decided;
    if (underWay.has(id)) return { type: 'refused', code: 'settled', message: `Approval ${id} is being decided by somebody else just now.` };
    if (repeatsHidden(given, request)) {
      return { type: 'refused', code: 'invalid', message: `The arguments hold "${HIDDEN}", which stands for what was hidden from you. Write out what the tool shall get, or approve without changing the arguments.` };
    }
    const verdict = redacted(given, redactText);
    underWay.add(id);
    try {
      await ledger.write({ ...recordOf(request, verdict.type, nowMs), ...byWhom(by), ...details(verdict, digest) });
      const decided = approvals.decide(id, verdict, by, nowMs);
      if (decided.type === 'decided') onDecided?.(decided.request);
      // Its time was over while it was recorded.
      else ledger.writeSoon({ ...recordOf(request, 'void', Date.now()), why: decided.message });
      return decided;
    } catch (error) {
      log.error({ approval: id, error: String(error) }, 'an approval could not be decided');
      return { type: 'refused', code: 'unavailable', message: 'The decision was not taken on, because it could not be recorded; "signalbox status" says why.' };
    } finally {
      underWay.delete(id);
    }
  }

  return { approvals, decide };
}

/** What the redactor writes in place of a secret. */
const HIDDEN = '[redacted]';

/** Shown arguments, sent back as edited ones: the tool would get the mark in place of the secret. */
const repeatsHidden = (verdict: ApprovalVerdict, { args }: ApprovalRequest): boolean =>
  verdict.type === 'approve' && verdict.args !== undefined && JSON.stringify(verdict.args).includes(HIDDEN) && JSON.stringify(args).includes(HIDDEN);

function redacted(verdict: ApprovalVerdict, redactText: (text: string) => string): ApprovalVerdict {
  return verdict.type === 'deny' && verdict.note !== undefined ? { ...verdict, note: redactText(verdict.note) } : verdict;
}

/** What the ledger is told when a request, or a grant, ends undecided or unused. */
export const expiryRecord = (request: ApprovalRequest): AuditRecord => ({
  ...recordOf(request, 'expire', Date.now()),
  was: request.decidedAt === undefined ? 'pending' : 'approved',
});

const recordOf = ({ id, caller, tenant, tool, fingerprint, argsDigest, rule, policyHash }: ApprovalRequest, verdict: string, time: number): AuditRecord => ({
  kind: 'approval', time, approval: id, verdict, caller, tenant, tool, fingerprint, argsHmac: argsDigest, rule, policy: policyHash.slice(0, HASH_DIGITS),
});

const byWhom = ({ principal: { id, tenant, proof, proofId }, isSelf, isOperator = false }: Approver): object => ({
  by: id, byTenant: tenant, proof, ...(proofId === undefined ? {} : { proofId }), ...(isSelf ? { self: true } : {}), ...(isOperator ? { operator: true } : {}),
});

function details(verdict: ApprovalVerdict, digest: (args: JsonObject) => string): object {
  if (verdict.type === 'deny') return verdict.note === undefined ? {} : { note: verdict.note };
  return verdict.args === undefined ? {} : { edited: true, editedHmac: digest(verdict.args) };
}
