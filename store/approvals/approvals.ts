/**
 * The keeping of approvals: requests and grants in a database of their own, each change durable before it is answered.
 * What a claim takes, it takes in one transaction: of fifty replays one is granted. It writes no ledger.
 */
import { join } from 'node:path';
import { whyNotDecidable, type ApprovalAsk, type ApprovalRequest, type Approvals, type ApprovalVerdict, type Approver, type Claim, type Decided } from '../../core/approval.ts';
import { ensureDataDir } from '../files.ts';
import { openDatabase, type Sqlite } from '../sqlite.ts';
import { createClaims } from './claims.ts';
import { openRows, requestOf, termsOf, type Row, type Rows, type StoredApprover } from './rows.ts';
import { createVault, type Vault } from './vault.ts';
import { createWaits } from './waits.ts';

export const APPROVALS_FILE = 'approvals.db';
const BUSY_TIMEOUT_MS = 1000;
const KEPT_FOR_MS = 30 * 24 * 3_600_000;
const KEPT_ENDED = 10_000;

export interface ApprovalsOptions {
  readonly dataDir: string;
  /** 32 bytes for the arguments that approvers write, used for nothing else. */
  readonly key: Buffer;
  /** Told of each request or grant that ended because its time, or its session, was over. Must not throw. */
  readonly onExpired?: (request: ApprovalRequest) => void;
  /** Requests that may wait at once. Default 50 of one caller, 2000 in all. */
  readonly maxPerCaller?: number;
  readonly maxPending?: number;
}

/** @throws Error when the database cannot be opened */
export function createApprovals(options: ApprovalsOptions): Approvals {
  ensureDataDir(options.dataDir);
  const db = openDatabase(join(options.dataDir, APPROVALS_FILE), BUSY_TIMEOUT_MS);
  try {
    return approvalsIn(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

function approvalsIn(db: Sqlite, { key, onExpired, maxPerCaller = 50, maxPending = 2000 }: ApprovalsOptions): Approvals {
  const rows = openRows(db);
  const vault = createVault(key);
  const waits = createWaits();
  const claims = createClaims(rows, vault, { maxPerCaller, maxPending });
  let mayForget = true;

  /** Told only once the transaction is durable. */
  const announce = (expired: readonly ApprovalRequest[]): void => {
    for (const request of expired) {
      mayForget = true;
      onExpired?.(request);
      waits.tell(request);
    }
  };
  const claim = db.transaction((ask: ApprovalAsk, nowMs: number): { claimed: Claim; expired: ApprovalRequest[] } => {
    const expired = expire(rows, rows.due(nowMs), nowMs);
    return { claimed: claims(ask, nowMs), expired };
  });
  const decide = db.transaction((id: string, verdict: ApprovalVerdict, by: Approver, nowMs: number): Decided => decideIn(rows, vault, id, verdict, by, nowMs));
  const end = db.transaction((overdue: readonly Row[], nowMs: number): ApprovalRequest[] => {
    rows.forget(nowMs - KEPT_FOR_MS, KEPT_ENDED);
    return expire(rows, overdue, nowMs);
  });

  const find = (id: string, nowMs: number): ApprovalRequest | undefined => {
    const row = rows.find(id);
    return row === undefined ? undefined : requestOf(row, nowMs);
  };
  const sweep = (nowMs: number): void => {
    const due = rows.due(nowMs);
    if (due.length === 0 && !mayForget) return;
    announce(end.immediate(due, nowMs));
    mayForget = false;
  };
  /** A client that waits learns of the end in time, also where that cannot be written now. */
  const waitOver = (request: ApprovalRequest): void => {
    try {
      sweep(Date.now());
    } catch {
      // What is overdue counts as expired unwritten too; the next claim or sweep says what is wrong.
    }
    waits.tell({ ...request, state: 'expired' });
  };

  return {
    claim(ask, nowMs) {
      const { claimed, expired } = claim.immediate(ask, nowMs);
      announce(expired);
      mayForget ||= claimed.type !== 'waiting' || claimed.isNew;
      return claimed;
    },
    decide(id, verdict, by, nowMs) {
      const decided = decide.immediate(id, verdict, by, nowMs);
      if (decided.type === 'decided') waits.tell(decided.request);
      return decided;
    },
    find,
    list: ({ state, limit }, nowMs) => rows.list(state, limit, nowMs).map((row) => requestOf(row, nowMs)),
    onDecided(id, listener) {
      const request = find(id, Date.now());
      if (request?.state === 'pending') return waits.add(request, listener, () => waitOver(request));
      if (request !== undefined) listener(request);
      return () => {};
    },
    endSession(sessionId) {
      const bound = rows.ofSession(sessionId).filter(({ state }) => state === 'approved');
      if (bound.length > 0) announce(end.immediate(bound, Date.now()));
    },
    sweep,
    close() {
      waits.close();
      db.close();
    },
  };
}

/** @returns those that others are told of: what was denied stays so, and only the telling is over */
function expire(rows: Rows, overdue: readonly Row[], nowMs: number): ApprovalRequest[] {
  return overdue.flatMap((row): ApprovalRequest[] => {
    rows.end(row.id, row.state === 'denied' ? 'denied' : 'expired');
    return row.state === 'denied' ? [] : [{ ...requestOf(row, nowMs), state: 'expired' }];
  });
}

function decideIn(rows: Rows, vault: Vault, id: string, verdict: ApprovalVerdict, by: Approver, nowMs: number): Decided {
  const row = rows.find(id);
  const refused = whyNotDecidable(id, row === undefined ? undefined : requestOf(row, nowMs), by);
  if (row === undefined || refused !== undefined) return refused as Decided;
  const { remember, rememberForMs = 0, expiresInMs } = termsOf(row);
  const isApproved = verdict.type === 'approve';
  const args = isApproved ? verdict.args : undefined;
  rows.decide({
    id,
    state: isApproved ? 'approved' : 'denied',
    expires_at: nowMs + (isApproved && remember === 'until' ? rememberForMs : expiresInMs),
    decided_at: nowMs,
    decided_by: by.principal.id,
    approver: isApproved ? JSON.stringify(storedOf(by)) : null,
    note: isApproved ? null : (verdict.note ?? null),
    edited: args === undefined ? 0 : 1,
    sealed_args: args === undefined ? null : vault.seal(id, args),
  });
  return { type: 'decided', request: requestOf(rows.find(id) as Row, nowMs) };
}

const storedOf = ({ principal: { id, tenant }, isSelf, isOperator = false }: Approver): StoredApprover => ({ id, tenant, isSelf, isOperator });
