/** The store of approvals by itself: against a model of what a claim may answer, and what is forgotten and bounded. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, array, constantFrom, oneof, property, record } from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { ApprovalAsk, ApprovalRequest, Approvals, Approver } from '../../core/approval.ts';
import { createApprovals, type ApprovalsOptions } from '../../store/index.ts';
import { temporaryDir } from './support.ts';

const KEY = randomBytes(32);
const SELF: Approver = { principal: { id: 'alice', tenant: 'default', roles: [], proof: 'key' }, isSelf: true };
const MINUTE = 60_000;

function open(dataDir: string, options: Partial<ApprovalsOptions> = {}): Approvals {
  const approvals = createApprovals({ dataDir, key: KEY, ...options });
  onTestFinished(() => approvals.close());
  return approvals;
}

const askOf = (n: number, changes: Partial<ApprovalAsk> = {}): ApprovalAsk => ({
  principal: SELF.principal, origin: { face: 'mcp' }, tool: 'up/echo', fingerprint: 'f', args: { n }, argsDigest: `digest ${n}`, shownArgs: { n },
  rule: 'ask', reason: 'r', policyHash: 'p', terms: { approvers: ['self'], expiresInMs: MINUTE, remember: 'once' }, rolesOf: () => undefined, ...changes,
});

function waitingId(approvals: Approvals, ask: ApprovalAsk, nowMs: number): string {
  const claim = approvals.claim(ask, nowMs);
  if (claim.type !== 'waiting') throw new Error(`expected it to wait, found ${claim.type}`);
  return claim.request.id;
}

type Step = { readonly do: 'claim' | 'approve' | 'edit' | 'deny'; readonly n: number } | { readonly do: 'pass' } | { readonly do: 'reopen' } | { readonly do: 'sweep' };

test('whatever is done in whatever order, restarts included: each grant is claimed once, in time, and says what was approved [APPROVAL-1]', () => {
  const step = oneof(
    record({ do: constantFrom('claim' as const, 'claim' as const, 'approve' as const, 'edit' as const, 'deny' as const), n: constantFrom(1, 2) }),
    constantFrom({ do: 'pass' as const }, { do: 'reopen' as const }, { do: 'sweep' as const }),
  );
  assert(
    property(array(step, { minLength: 5, maxLength: 40 }), (steps: Step[]) => {
      const dataDir = temporaryDir();
      let approvals = createApprovals({ dataDir, key: KEY });
      let nowMs = 1_000_000;
      /** By n: what the call's only open request is. */
      const model = new Map<number, { id: string; state: 'pending' | 'approved' | 'edited' | 'denied'; untilMs: number }>();
      try {
        for (const one of steps) {
          if (one.do === 'pass') nowMs += MINUTE / 2;
          else if (one.do === 'sweep') approvals.sweep(nowMs);
          else if (one.do === 'reopen') {
            approvals.close();
            approvals = createApprovals({ dataDir, key: KEY });
          } else {
            const { n } = one;
            let known = model.get(n);
            if (known !== undefined && known.untilMs <= nowMs) known = undefined;
            if (one.do === 'claim') {
              const claim = approvals.claim(askOf(n), nowMs);
              if (known === undefined || known.state === 'pending') {
                expect(claim).toMatchObject({ type: 'waiting', isNew: known === undefined });
                if (claim.type !== 'waiting') continue;
                if (known !== undefined) expect(claim.request.id).toBe(known.id);
                model.set(n, { id: claim.request.id, state: 'pending', untilMs: known?.untilMs ?? nowMs + MINUTE });
              } else {
                expect(claim).toMatchObject({ type: known.state === 'denied' ? 'denied' : 'granted', request: { id: known.id } });
                if (claim.type === 'granted') expect(claim.args).toEqual(known.state === 'edited' ? { edited: n } : undefined);
                model.delete(n);
              }
            } else {
              const id = model.get(n)?.id ?? 'ap_none';
              const decided = approvals.decide(id, one.do === 'deny' ? { type: 'deny' } : { type: 'approve', ...(one.do === 'edit' ? { args: { edited: n } } : {}) }, SELF, nowMs);
              expect(decided.type).toBe(known?.state === 'pending' ? 'decided' : 'refused');
              if (known?.state === 'pending') model.set(n, { id, state: one.do === 'approve' ? 'approved' : one.do === 'edit' ? 'edited' : 'denied', untilMs: nowMs + MINUTE });
            }
          }
        }
      } finally {
        approvals.close();
      }
    }),
    { numRuns: 40 },
  );
});

test('whoever waits is told once: when it is decided, when it expires, and at once where that has been', () => {
  const approvals = open(temporaryDir());
  const told: ApprovalRequest[] = [];
  const nowMs = Date.now();
  const [one, two] = [waitingId(approvals, askOf(1), nowMs), waitingId(approvals, askOf(2), nowMs)];
  for (const id of [one, two]) approvals.onDecided(id, (request) => void told.push(request));
  const takenBack = approvals.onDecided(one, () => expect.unreachable());
  takenBack();
  approvals.decide(one, { type: 'deny', note: 'no' }, SELF, nowMs);
  approvals.sweep(nowMs + 2 * MINUTE);
  approvals.onDecided(two, (request) => void told.push(request));
  expect(told.map(({ id, state, note }) => [id, state, note])).toEqual([[one, 'denied', 'no'], [two, 'expired', undefined], [two, 'expired', undefined]]);
});

test('the terms of a request that waits follow the rule; its time is never longer than at first', () => {
  const approvals = open(temporaryDir());
  const id = waitingId(approvals, askOf(1), 0);
  const stricter = { approvers: ['lead'], expiresInMs: MINUTE / 2, remember: 'once' as const };
  expect(approvals.claim(askOf(1, { terms: stricter, policyHash: 'next', reason: 'why' }), 10)).toMatchObject({ type: 'waiting', isNew: false, request: { id, terms: stricter, expiresAt: MINUTE / 2, reason: 'why' } });
  expect(approvals.decide(id, { type: 'approve' }, SELF, 20)).toMatchObject({ type: 'refused', code: 'forbidden' });
  expect(approvals.claim(askOf(1, { policyHash: 'last' }), 30)).toMatchObject({ request: { id, expiresAt: MINUTE / 2 } });
});

test('requests are bounded in all; those that expired make room', () => {
  const approvals = open(temporaryDir(), { maxPending: 3 });
  for (const n of [1, 2, 3]) waitingId(approvals, askOf(n), 0);
  expect(approvals.claim(askOf(4), 0)).toMatchObject({ type: 'full' });
  waitingId(approvals, askOf(4), MINUTE);
});

test('what ended is listed for thirty days, and then forgotten', () => {
  const approvals = open(temporaryDir());
  const id = waitingId(approvals, askOf(1), 0);
  approvals.decide(id, { type: 'approve' }, SELF, 1);
  expect(approvals.list({ state: 'approved', limit: 10 }, 2)).toMatchObject([{ id, decidedBy: 'alice' }]);
  expect(approvals.claim(askOf(1), 2).type).toBe('granted');
  const day = 24 * 60 * MINUTE;
  approvals.sweep(29 * day);
  expect(approvals.list({ limit: 10 }, 29 * day)).toMatchObject([{ id, state: 'used' }]);
  waitingId(approvals, askOf(2), 31 * day);
  approvals.sweep(31 * day);
  expect(approvals.find(id, 31 * day)).toBeUndefined();
});

test('arguments that an approver wrote cannot be read without the key, nor moved to another request [APPROVAL-2]', () => {
  const dataDir = temporaryDir();
  const approvals = createApprovals({ dataDir, key: KEY });
  approvals.decide(waitingId(approvals, askOf(1), 0), { type: 'approve', args: { canary: 'canary-in-clear' } }, SELF, 1);
  approvals.close();
  for (const name of ['approvals.db', 'approvals.db-wal']) {
    try {
      expect(readFileSync(join(dataDir, name)).includes('canary-in-clear')).toBe(false);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOENT');
    }
  }
  const stranger = createApprovals({ dataDir, key: randomBytes(32) });
  expect(() => stranger.claim(askOf(1), 2)).toThrow();
  stranger.close();
  expect(open(dataDir).claim(askOf(1), 2)).toMatchObject({ type: 'granted', args: { canary: 'canary-in-clear' } });
});
