/** What the hall keeps of approvals for as long as the process lives: the store, the phase on the call path, the desk, the webhook. */
import type { ApprovalRequest } from '../../core/approval.ts';
import type { Ledger } from '../../core/audit.ts';
import type { Log } from '../../core/log.ts';
import { redactText } from '../../policies/index.ts';
import { createApprovals } from '../../store/index.ts';
import { createApprovalDesk, expiryRecord, type ApprovalDesk } from './desk.ts';
import { createApprovalPhase, type ApprovalPhase, type ApprovalRecords } from './phase.ts';
import { createWebhook, type ResolveTarget } from './webhook.ts';

export interface ApprovalKeeper {
  readonly phase: ApprovalPhase;
  readonly desk: ApprovalDesk;
  /** Grants remembered for the session end with it. */
  endSession(sessionId: string): void;
  /** To be called now and then: ends what is overdue. */
  sweep(): void;
  close(): Promise<void>;
}

export interface ApprovalKeeperParts {
  readonly dataDir: string;
  /** 32 bytes, derived for this. */
  readonly key: Buffer;
  readonly ledger: Ledger;
  readonly records: ApprovalRecords;
  /** Where new requests are announced under the configuration in force; undefined for nowhere. */
  readonly webhook: () => ResolveTarget | undefined;
  readonly log: Log;
  /** Told how each request ended, and how long it had waited. */
  readonly onSettled?: (how: 'approved' | 'denied' | 'expired', waitMs: number) => void;
}

/** @throws Error when the store cannot be opened */
export function createApprovalKeeper({ dataDir, key, ledger, records, webhook, log, onSettled }: ApprovalKeeperParts): ApprovalKeeper {
  const onExpired = (request: ApprovalRequest): void => {
    ledger.writeSoon(expiryRecord(request));
    // A grant that nobody used was decided when it was given.
    if (request.decidedAt === undefined) onSettled?.('expired', Date.now() - request.createdAt);
  };
  const approvals = createApprovals({ dataDir, key, onExpired });
  const announcer = createWebhook({ isPending: (id) => approvals.find(id, Date.now())?.state === 'pending', log });
  const unlessUnwritable = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.error({ error: String(error) }, 'approvals cannot be written: calls that need one are refused until they can');
    }
  };
  return {
    phase: createApprovalPhase({
      approvals,
      ledger,
      records,
      onRequest(request) {
        const target = webhook();
        if (target !== undefined) announcer.announce(request, target);
      },
      log,
    }),
    desk: createApprovalDesk({ approvals, ledger, digest: records.digest, redactText, log, onDecided: ({ state, createdAt }) => onSettled?.(state === 'denied' ? 'denied' : 'approved', Date.now() - createdAt) }),
    endSession: (sessionId) => unlessUnwritable(() => approvals.endSession(sessionId)),
    sweep: () => unlessUnwritable(() => approvals.sweep(Date.now())),
    async close() {
      await announcer.close();
      approvals.close();
    },
  };
}
