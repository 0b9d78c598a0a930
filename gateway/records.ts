/**
 * What the ledger is told of a call: who, by which way in, which tool, with which arguments, decided by what, ended how.
 * Arguments appear redacted, with a keyed digest of the exact ones; no result content appears at all.
 */
import { createHmac } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { AuditRecord } from '../core/audit.ts';
import type { Outcome, ToolCall } from '../core/call.ts';
import type { Decision } from '../core/decision.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';
import type { Box } from './box.ts';
import type { ViewRoute } from './catalog/view.ts';

type Refusal = Outcome & { type: 'refused' };
type Waiting = Outcome & { type: 'waiting' };

export interface CallRecords {
  intent(box: Box, call: ToolCall, route: ViewRoute, decision: Decision, lease: Lease): AuditRecord;
  outcome(call: ToolCall, outcome: Outcome, measured: { bytes: number; upstreamMs: number }): AuditRecord;
  refused(box: Box, call: ToolCall, route: ViewRoute | undefined, outcome: Refusal, limit?: string): AuditRecord;
  waiting(box: Box, call: ToolCall, route: ViewRoute, outcome: Waiting): AuditRecord;
}

/** Longest name that is recorded of what a caller asked for. */
const MAX_NAME = 200;

/** @param argumentsKey key of the HMAC over arguments; without it nobody can guess short arguments from their digest */
export function createCallRecords(argumentsKey: Buffer): CallRecords {
  const digest = (text: string): string => createHmac('sha256', argumentsKey).update(text).digest('base64url');

  function argumentsOf(box: Box, args: JsonObject): object {
    const text = canonicalJson(args);
    switch (box.settings.audit.payloads) {
      case 'none':
        return { argsBytes: Buffer.byteLength(text) };
      case 'digest':
        return { argsBytes: Buffer.byteLength(text), argsHmac: digest(text) };
      case 'redacted':
        return { argsBytes: Buffer.byteLength(text), argsHmac: digest(text), args: box.redact(args) };
    }
  }

  /** Members that every first record of a call has, whatever became of it. */
  function asked(box: Box, call: ToolCall, route: ViewRoute | undefined) {
    const { principal, origin } = call;
    return {
      time: Date.now(),
      call: call.id,
      caller: principal.id,
      tenant: principal.tenant,
      proof: principal.proof,
      proofId: principal.proofId,
      actsFor: principal.actsFor,
      face: origin.face,
      protocol: origin.protocolVersion,
      session: origin.sessionId,
      request: origin.requestId,
      trace: call.context.traceparent?.slice(3, 35),
      profile: call.profile,
      name: call.name.slice(0, MAX_NAME),
      tool: route?.ref,
      fingerprint: route?.fingerprint,
      ...argumentsOf(box, call.args),
      config: box.settings.hash,
    };
  }

  return {
    intent: (box, call, route, decision, lease) => ({
      kind: 'intent',
      ...asked(box, call, route),
      effect: decision.effect,
      rule: decision.rule,
      policy: decision.policyHash,
      limits: lease.limits,
    }),
    outcome: (call, outcome, measured) => ({
      kind: 'outcome',
      time: Date.now(),
      call: call.id,
      outcome: outcome.type,
      ...(outcome.type === 'completed' ? { isError: outcome.isError } : {}),
      ...(outcome.type === 'failed' ? { code: outcome.code, executed: outcome.executed } : {}),
      resultBytes: measured.bytes,
      upstreamMs: round(measured.upstreamMs),
      totalMs: round(performance.now() - call.context.arrivedAt),
    }),
    refused: (box, call, route, outcome, limit) => ({
      kind: 'refused',
      ...asked(box, call, route),
      effect: outcome.decision?.effect,
      rule: outcome.decision?.rule,
      policy: outcome.decision?.policyHash ?? box.rules.hash,
      code: outcome.code,
      limit,
    }),
    waiting: (box, call, route, outcome) => ({
      kind: 'refused',
      ...asked(box, call, route),
      effect: outcome.decision.effect,
      rule: outcome.decision.rule,
      policy: outcome.decision.policyHash,
      code: 'approval_required',
      approval: outcome.approvalId,
    }),
  };
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
