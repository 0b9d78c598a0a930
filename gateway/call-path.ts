/** The one way of a call and what stands along it, made once the ledger is open. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { createApprovalKeeper, type ApprovalKeeper } from './approvals/index.ts';
import { createSearchKeeper, type SearchKeeper } from './audit/index.ts';
import type { Box } from './box.ts';
import { createCallIds } from './call-id.ts';
import type { OpenGate } from './gate.ts';
import { createHolding, type Holding } from './mcp/ask/holding.ts';
import type { PurgeableLedger } from '../store/index.ts';
import { createPipeline, type CallTool } from './pipeline.ts';
import { createCallRecords } from './records.ts';
import { createRetentionKeeper, type RetentionKeeper } from './retention/index.ts';
import type { Rooms } from './rooms.ts';
import { createSealer } from './seal.ts';

export interface CallPathOptions {
  readonly data: string;
  readonly log: Log;
  readonly ledger: PurgeableLedger;
  readonly rooms: Rooms;
  readonly gate: () => OpenGate;
  /** How long after the start the first purge may come. */
  readonly purgeAfterMs: number;
}

export interface CallPath {
  readonly approvals: ApprovalKeeper;
  readonly retention: RetentionKeeper;
  readonly search: SearchKeeper;
  readonly holding: Holding;
  readonly callTool: CallTool;
  readonly newCallId: () => string;
}

export function openCallPath({ data, log, ledger, rooms, gate, purgeAfterMs }: CallPathOptions): CallPath {
  const { secret, known, results, counters } = rooms;
  const search = createSearchKeeper({ dataDir: data, log });
  const retention = createRetentionKeeper({ dataDir: data, ledger, secret, known, log, settings: () => gate().box.settings, firstAfterMs: purgeAfterMs, updateIndex: () => search.ask({ type: 'search', filter: {}, limit: 1 }) });
  const records = createCallRecords(secret.derive('audit-arguments'), retention.payloads);
  const approvals = createApprovalKeeper({ dataDir: data, key: secret.derive('approval-arguments'), ledger, records, webhook: () => gate().webhook, log, onSettled: counters.settled });
  const callTool = createPipeline({ known, ledger, records, approve: approvals.phase, results, log, onOutcome: counters.count, onGuarded: counters.guarded, onUpstream: counters.upstream });
  const newCallId = createCallIds();
  const holding = createHolding({ desk: approvals.desk, sealer: createSealer(secret.derive('request-state')), callTool, newCallId, admit: (headers) => admitAnew(gate(), headers), log });
  return { approvals, retention, search, holding, callTool, newCallId };
}

/** For a call that has waited: its sender, and what decides about it, as they are by now. */
function admitAnew({ box, authenticate }: OpenGate, headers: IncomingHttpHeaders): { box: Box; principal: Principal } | undefined {
  const known = authenticate(headers);
  return known.type === 'known' ? { box, principal: known.principal } : undefined;
}
