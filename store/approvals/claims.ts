/** What becomes of a call that needs a grant, within one transaction: granted, denied, or waiting. Keeps no state of its own. */
import { randomBytes } from 'node:crypto';
import type { ApprovalAsk, Claim } from '../../core/approval.ts';
import { canonicalJson } from '../../core/json.ts';
import { newRow, requestOf, termsOf, type Row, type Rows } from './rows.ts';
import { standingOf } from './standing.ts';
import type { Vault } from './vault.ts';

export interface Bounds {
  /** Requests that may wait at once, of one caller and in all. */
  readonly maxPerCaller: number;
  readonly maxPending: number;
}

const ID_BYTES = 16;

/** @returns the claim for a call whose overdue grants have been ended already; to be run in a transaction */
export function createClaims(rows: Rows, vault: Vault, { maxPerCaller, maxPending }: Bounds): (ask: ApprovalAsk, nowMs: number) => Claim {
  /** A grant that counts, or a denial that has not been told yet; undefined where this row lets the call wait. */
  function settled(row: Row, ask: ApprovalAsk, nowMs: number): Claim | undefined {
    if (row.state === 'denied') {
      rows.end(row.id, 'denied');
      return { type: 'denied', request: requestOf(row, nowMs) };
    }
    if (row.state !== 'approved') return undefined;
    const standing = standingOf(row, ask, nowMs);
    if (standing.type === 'none') return undefined;
    const { by } = standing;
    const args = row.sealed_args === null ? {} : { args: vault.open(row.id, row.sealed_args) };
    if (standing.type === 'last') {
      rows.end(row.id, 'used');
      return { type: 'granted', request: requestOf({ ...row, state: 'used', open: 0 }, nowMs), by, ...args };
    }
    if (row.uses === 0 || standing.expiresAt !== row.expires_at) rows.used(row.id, standing.expiresAt);
    return { type: 'granted', request: requestOf({ ...row, expires_at: standing.expiresAt }, nowMs), by, ...args };
  }

  /** The same call, asked again: the rule's terms as they are now, and no more time than they give. */
  function again(row: Row, ask: ApprovalAsk, nowMs: number): Claim {
    const isSame = row.policy_hash === ask.policyHash && canonicalJson(termsOf(row)) === canonicalJson(ask.terms);
    if (!isSame) rows.renew(row.id, ask, Math.min(row.expires_at, row.created_at + ask.terms.expiresInMs));
    return { type: 'waiting', request: requestOf(isSame ? row : (rows.find(row.id) as Row), nowMs), isNew: false };
  }

  function request(ask: ApprovalAsk, nowMs: number): Claim {
    const { all, own } = rows.pending(ask.principal.tenant, ask.principal.id);
    const until = 'no more are held until one of them is decided or expires';
    if (own >= maxPerCaller) return { type: 'full', message: `${own} calls of this caller wait for approval already; ${until}` };
    if (all >= maxPending) return { type: 'full', message: `${all} calls wait for approval already; ${until}` };
    const session = ask.terms.remember === 'session' ? (ask.origin.sessionId ?? '') : '';
    const row = newRow(`ap_${randomBytes(ID_BYTES).toString('hex')}`, ask, session, nowMs);
    rows.insert(row);
    return { type: 'waiting', request: requestOf(row, nowMs), isNew: true };
  }

  return (ask, nowMs) => {
    const open = rows.openFor(ask).filter(({ session }) => session === '' || session === ask.origin.sessionId);
    for (const row of open) {
      const found = settled(row, ask, nowMs);
      if (found !== undefined) return found;
    }
    const pending = open.find(({ state }) => state === 'pending');
    return pending === undefined ? request(ask, nowMs) : again(pending, ask, nowMs);
  };
}
