/** How requests lie in the database, and every statement about them. It decides nothing. */
import type { Statement } from 'better-sqlite3';
import type { ApprovalAsk, ApprovalRequest, ApprovalState } from '../../core/approval.ts';
import type { AskTerms } from '../../core/decision.ts';
import { parseLossless, type JsonObject } from '../../core/json.ts';
import type { Origin } from '../../core/origin.ts';
import type { Sqlite } from '../sqlite.ts';

/**
 * `open`: it may still change what becomes of a call. `session`: the one that it is bound to, or empty. `args` is redacted.
 * `expires_at` is that of the request, then of its grant.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS approvals (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, caller TEXT NOT NULL, tool TEXT NOT NULL, fingerprint TEXT NOT NULL,
    args_digest TEXT NOT NULL, rule TEXT NOT NULL, session TEXT NOT NULL,
    face TEXT NOT NULL, came_in_session TEXT, args TEXT NOT NULL, reason TEXT NOT NULL, policy_hash TEXT NOT NULL, terms TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, uses INTEGER NOT NULL,
    decided_at INTEGER, decided_by TEXT, approver TEXT, note TEXT, edited INTEGER NOT NULL, sealed_args BLOB
  ) STRICT;
  CREATE INDEX IF NOT EXISTS approvals_bound ON approvals (args_digest, caller, tenant) WHERE open = 1;
  CREATE INDEX IF NOT EXISTS approvals_due ON approvals (expires_at) WHERE open = 1;
  CREATE INDEX IF NOT EXISTS approvals_in_session ON approvals (session) WHERE open = 1 AND session <> '';
  CREATE INDEX IF NOT EXISTS approvals_made ON approvals (created_at);
`;

/** Who approved, as far as it must be asked again whether they may. */
export interface StoredApprover {
  readonly id: string;
  readonly tenant: string;
  readonly isSelf: boolean;
  readonly isOperator: boolean;
}

export interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly caller: string;
  readonly tool: string;
  readonly fingerprint: string;
  readonly args_digest: string;
  readonly rule: string;
  readonly session: string;
  readonly face: Origin['face'];
  readonly came_in_session: string | null;
  readonly args: string;
  readonly reason: string;
  readonly policy_hash: string;
  readonly terms: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly state: ApprovalState;
  readonly open: 0 | 1;
  readonly uses: number;
  readonly decided_at: number | null;
  readonly decided_by: string | null;
  readonly approver: string | null;
  readonly note: string | null;
  readonly edited: 0 | 1;
  readonly sealed_args: Buffer | null;
}

export type Decision = Pick<Row, 'id' | 'state' | 'expires_at' | 'decided_at' | 'decided_by' | 'approver' | 'note' | 'edited' | 'sealed_args'>;
type Bound = Pick<Row, 'tenant' | 'caller' | 'tool' | 'fingerprint' | 'args_digest' | 'rule'>;

export interface Rows {
  find(id: string): Row | undefined;
  /** What is open for the very same call under the same rule, newest first. */
  openFor(ask: ApprovalAsk): Row[];
  pending(tenant: string, caller: string): { readonly all: number; readonly own: number };
  insert(row: Row): void;
  /** The rule's words and terms as they are now. */
  renew(id: string, ask: ApprovalAsk, expiresAt: number): void;
  decide(decision: Decision): void;
  used(id: string, expiresAt: number): void;
  /** Never counts again; what was sealed for it is gone. */
  end(id: string, state: ApprovalState): void;
  due(nowMs: number): Row[];
  ofSession(session: string): Row[];
  list(state: ApprovalState | undefined, limit: number, nowMs: number): Row[];
  /** Ended ones that are older, or too many. */
  forget(beforeMs: number, keep: number): void;
}

/** @throws Error when the database cannot be read or written, as every method does */
export function openRows(db: Sqlite): Rows {
  db.exec(SCHEMA);
  const one = <P extends unknown[] | object, R = unknown>(sql: string): Statement<P extends unknown[] ? P : [P], R> => db.prepare(sql) as never;
  const find = one<[string], Row>('SELECT * FROM approvals WHERE id = ?');
  const openFor = one<Bound, Row>(`SELECT * FROM approvals WHERE open = 1 AND args_digest = @args_digest AND caller = @caller AND tenant = @tenant
    AND tool = @tool AND fingerprint = @fingerprint AND rule = @rule ORDER BY created_at DESC, rowid DESC`);
  const pending = one<[string, string], { all: number; own: number }>(
    "SELECT count(*) AS \"all\", coalesce(sum(tenant = ? AND caller = ?), 0) AS own FROM approvals WHERE open = 1 AND state = 'pending'",
  );
  const insert = one<Row>(`INSERT INTO approvals VALUES (@id, @tenant, @caller, @tool, @fingerprint, @args_digest, @rule, @session, @face, @came_in_session,
    @args, @reason, @policy_hash, @terms, @created_at, @expires_at, @state, @open, @uses, @decided_at, @decided_by, @approver, @note, @edited, @sealed_args)`);
  const renew = one<[string, string, string, number, string]>('UPDATE approvals SET reason = ?, policy_hash = ?, terms = ?, expires_at = ? WHERE id = ?');
  const decide = one<Decision>(`UPDATE approvals SET state = @state, expires_at = @expires_at, decided_at = @decided_at, decided_by = @decided_by,
    approver = @approver, note = @note, edited = @edited, sealed_args = @sealed_args WHERE id = @id`);
  const used = one<[number, string]>('UPDATE approvals SET uses = uses + 1, expires_at = ? WHERE id = ?');
  const end = one<[ApprovalState, string]>('UPDATE approvals SET open = 0, sealed_args = NULL, state = ? WHERE id = ?');
  const due = one<[number], Row>('SELECT * FROM approvals WHERE open = 1 AND expires_at <= ?');
  const ofSession = one<[string], Row>("SELECT * FROM approvals WHERE open = 1 AND session <> '' AND session = ?");
  const list = one<{ state: string | null; limit: number; now: number }, Row>(`SELECT * FROM approvals
    WHERE @state IS NULL OR @state = ${SEEN_STATE} ORDER BY created_at DESC, rowid DESC LIMIT @limit`);
  const forgetOld = one<[number]>('DELETE FROM approvals WHERE open = 0 AND created_at < ?');
  const forgetMany = one<[number]>('DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE open = 0 ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)');

  return {
    find: (id) => find.get(id),
    openFor: (ask) => openFor.all(boundOf(ask)),
    pending: (tenant, caller) => pending.get(tenant, caller) ?? { all: 0, own: 0 },
    insert: (row) => void insert.run(row),
    renew: (id, { reason, policyHash, terms }, expiresAt) => void renew.run(reason, policyHash, JSON.stringify(terms), expiresAt, id),
    decide: (decision) => void decide.run(decision),
    used: (id, expiresAt) => void used.run(expiresAt, id),
    end: (id, state) => void end.run(state, id),
    due: (nowMs) => due.all(nowMs),
    ofSession: (session) => ofSession.all(session),
    list: (state, limit, nowMs) => list.all({ state: state ?? null, limit, now: nowMs }),
    forget(beforeMs, keep) {
      forgetOld.run(beforeMs);
      forgetMany.run(keep);
    },
  };
}

/** What is overdue has expired, whether it has been swept yet or not. `isDue` says the same of a row. */
const SEEN_STATE = "CASE WHEN open = 1 AND state IN ('pending', 'approved') AND expires_at <= @now THEN 'expired' ELSE state END";
const isDue = (row: Row, nowMs: number): boolean => row.open === 1 && row.expires_at <= nowMs;

const boundOf = ({ principal: { tenant, id: caller }, tool, fingerprint, argsDigest, rule }: ApprovalAsk): Bound => ({
  tenant, caller, tool, fingerprint, args_digest: argsDigest, rule,
});

export function newRow(id: string, ask: ApprovalAsk, session: string, nowMs: number): Row {
  const { origin, shownArgs, reason, policyHash, terms } = ask;
  return {
    ...boundOf(ask), id, session, reason,
    face: origin.face, came_in_session: origin.sessionId ?? null, args: JSON.stringify(shownArgs), policy_hash: policyHash, terms: JSON.stringify(terms),
    created_at: nowMs, expires_at: nowMs + terms.expiresInMs, state: 'pending', open: 1, uses: 0,
    decided_at: null, decided_by: null, approver: null, note: null, edited: 0, sealed_args: null,
  };
}

export const termsOf = (row: Row): AskTerms => JSON.parse(row.terms) as AskTerms;

export function requestOf(row: Row, nowMs: number): ApprovalRequest {
  return {
    id: row.id,
    caller: row.caller,
    tenant: row.tenant,
    face: row.face,
    ...(row.came_in_session === null ? {} : { sessionId: row.came_in_session }),
    tool: row.tool,
    fingerprint: row.fingerprint,
    args: parseLossless(row.args) as JsonObject,
    argsDigest: row.args_digest,
    rule: row.rule,
    reason: row.reason,
    policyHash: row.policy_hash,
    terms: termsOf(row),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    state: isDue(row, nowMs) && row.state !== 'denied' ? 'expired' : row.state,
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.edited === 1 ? { edited: true } : {}),
  };
}
