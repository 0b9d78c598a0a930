/**
 * The keeping of approvals: requests and grants in a database of their own, each change durable before it is answered.
 * What a claim takes, it takes in one transaction: of fifty replays one is granted. It writes no ledger.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { whyNotDecidable, type ApprovalAsk, type ApprovalRequest, type Approvals, type Approver, type Claim, type Decided } from '../../core/approval.ts';
import { canonicalJson } from '../../core/json.ts';
import { ensureDataDir } from '../files.ts';
import { openDatabase, type Sqlite } from '../sqlite.ts';
import { newRow, openRows, requestOf, termsOf, type Row, type StoredApprover } from './rows.ts';
import { standingOf } from './standing.ts';
import { createVault } from './vault.ts';
import { createWaits } from './waits.ts';

export const APPROVALS_FILE = 'approvals.db';
const BUSY_TIMEOUT_MS = 5000;
const ID_BYTES = 16;
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
  let mayForget = true;

  /** @returns what others are told of, once it is durable */
  const expire = (row: Row, nowMs: number): ApprovalRequest | undefined => {
    // What was denied stays so; only the telling is over.
    rows.end(row.id, row.state === 'denied' ? 'denied' : 'expired');
    mayForget = true;
    return row.state === 'denied' ? undefined : { ...requestOf(row, nowMs), state: 'expired' };
  };
  const announce = (expired: readonly (ApprovalRequest | undefined)[]): void => {
    for (const request of expired) {
      if (request === undefined) continue;
      onExpired?.(request);
      waits.tell(request);
    }
  };
  const sweep = (nowMs: number): void => {
    const due = rows.due(nowMs);
    if (due.length === 0 && !mayForget) return;
    announce(db.transaction(() => {
      const expired = due.map((row) => expire(row, nowMs));
      rows.forget(nowMs - KEPT_FOR_MS, KEPT_ENDED);
      return expired;
    }).immediate());
    mayForget = false;
  };

  /** A grant that counts, or a denial that has not been told yet; undefined where the call has to wait. */
  function settled(row: Row, ask: ApprovalAsk, nowMs: number): Claim | undefined {
    if (row.state === 'denied') {
      rows.end(row.id, 'denied');
      return { type: 'denied', request: requestOf(row, nowMs) };
    }
    if (row.state !== 'approved') return undefined;
    const standing = standingOf(row, ask, nowMs);
    if (standing.type === 'none') return undefined;
    const args = row.sealed_args === null ? {} : { args: vault.open(row.id, row.sealed_args) };
    if (standing.type === 'last') rows.end(row.id, 'used');
    else if (row.uses === 0 || standing.expiresAt !== row.expires_at) rows.used(row.id, standing.expiresAt);
    return { type: 'granted', request: requestOf({ ...row, ...(standing.type === 'last' ? { state: 'used', open: 0 } : {}) }, nowMs), ...args };
  }

  /** The same call, asked again: the rule's terms as they are now, and no more time than they give. */
  function again(row: Row, ask: ApprovalAsk, nowMs: number): Claim {
    if (row.policy_hash === ask.policyHash && canonicalJson(termsOf(row)) === canonicalJson(ask.terms)) return { type: 'waiting', request: requestOf(row, nowMs), isNew: false };
    rows.renew(row.id, ask, Math.min(row.expires_at, row.created_at + ask.terms.expiresInMs));
    return { type: 'waiting', request: requestOf(rows.find(row.id) as Row, nowMs), isNew: false };
  }

  function ask(asked: ApprovalAsk, nowMs: number): Claim {
    const { all, own } = rows.pending(asked.principal.tenant, asked.principal.id);
    if (own >= maxPerCaller) return { type: 'full', message: `${own} calls of this caller wait for approval already; no more are held until one of them is decided or expires` };
    if (all >= maxPending) return { type: 'full', message: `${all} calls wait for approval already; no more are held until one of them is decided or expires` };
    const session = asked.terms.remember === 'session' ? (asked.origin.sessionId ?? '') : '';
    const row = newRow(`ap_${randomBytes(ID_BYTES).toString('hex')}`, asked, session, nowMs);
    rows.insert(row);
    mayForget = true;
    return { type: 'waiting', request: requestOf(row, nowMs), isNew: true };
  }

  const claim = db.transaction((asked: ApprovalAsk, nowMs: number): { claim: Claim; expired: (ApprovalRequest | undefined)[] } => {
    const expired = rows.due(nowMs).map((row) => expire(row, nowMs));
    const open = rows.openFor(asked).filter(({ session }) => session === '' || session === asked.origin.sessionId);
    for (const row of open) {
      const found = settled(row, asked, nowMs);
      if (found !== undefined) return { claim: found, expired };
    }
    const pending = open.find(({ state }) => state === 'pending');
    return { claim: pending === undefined ? ask(asked, nowMs) : again(pending, asked, nowMs), expired };
  });

  const find = (id: string, nowMs: number): ApprovalRequest | undefined => {
    const row = rows.find(id);
    return row === undefined ? undefined : requestOf(row, nowMs);
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
    claim(asked, nowMs) {
      const { claim: claimed, expired } = claim.immediate(asked, nowMs);
      announce(expired);
      return claimed;
    },
    decide(id, verdict, by, nowMs) {
      const decide = db.transaction((): Decided => {
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
      });
      const decided = decide.immediate();
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
      if (bound.length > 0) announce(db.transaction(() => bound.map((row) => expire(row, Date.now()))).immediate());
    },
    sweep,
    close() {
      waits.close();
      db.close();
    },
  };
}

const storedOf = ({ principal: { id, tenant }, isSelf, isOperator = false }: Approver): StoredApprover => ({ id, tenant, isSelf, isOperator });
