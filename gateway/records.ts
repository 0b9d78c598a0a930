/**
 * What the ledger is told of a call: who, by which way in, which tool, with which arguments, decided by what, ended how.
 * Arguments appear redacted, with a keyed digest of the exact ones; results not at all, but with `full`: encrypted, as the exact
 * arguments then are too.
 * Written out by hand, since it is made twice for every call; what a caller and a route bring is written once for both.
 */
import { performance } from 'node:perf_hooks';
import type { RecordKind, WrittenRecord } from '../core/audit.ts';
import type { ToolCall } from '../core/call.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Decision } from '../core/decision.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import type { Booking, Lease } from '../core/lease.ts';
import type { Principal } from '../core/principal.ts';
import type { Grant } from './approvals/index.ts';
import type { Box } from './box.ts';
import type { ViewRoute } from './catalog/view.ts';
import { createHmacSha256 } from './hmac.ts';
import type { Guarded } from './results/index.ts';
import type { PayloadWriter } from './retention/index.ts';
import { heldAs } from './pins/index.ts';

type Refusal = Outcome & { type: 'refused' };
type Waiting = Outcome & { type: 'waiting' };

export interface CallRecords {
  intent(box: Box, call: ToolCall, route: ViewRoute, decision: Decision, lease: Lease, booked?: readonly Booking[], grant?: Grant, of?: string): WrittenRecord;
  outcome(box: Box, call: ToolCall, outcome: Outcome, measured: { bytes: number; upstreamMs: number; settled?: readonly Booking[] | undefined; guarded?: Guarded | undefined }): WrittenRecord;
  refused(box: Box, call: ToolCall, route: ViewRoute | undefined, outcome: Refusal, limit?: string): WrittenRecord;
  waiting(box: Box, call: ToolCall, route: ViewRoute, outcome: Waiting): WrittenRecord;
  /** The keyed digest by which records and approvals name exact arguments. */
  digest(args: JsonObject): string;
}

/** Longest name that is recorded of what a caller asked for. */
const MAX_NAME = 200;
const MAX_WHY = 500;
/** Hex digits of the policy and configuration hashes in a call's records; `start` and `reload` records have them whole. */
const HASH_DIGITS = 16;

/** `,"name":value`, or nothing where there is no value. */
const member = (name: string, value: unknown): string => (value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`);

/** What budgets are counted again from at the next start (store/budgets). */
const bookings = (name: 'booked' | 'settled', made: readonly Booking[] | undefined): string =>
  made === undefined || made.length === 0 ? '' : `,"${name}":${JSON.stringify(made)}`;

/** @param argumentsKey key of the HMAC over arguments; without it nobody can guess short arguments from their digest */
export function createCallRecords(argumentsKey: Buffer, payloads: PayloadWriter): CallRecords {
  const digest = createHmacSha256(argumentsKey);
  const routeTexts = new WeakMap<ViewRoute, string>();
  const callerTexts = new WeakMap<Principal, string>();

  function argumentsText(box: Box, args: JsonObject): string {
    const text = canonicalJson(args);
    const size = `,"argsBytes":${Buffer.byteLength(text)}`;
    switch (box.settings.audit.payloads) {
      case 'none':
        return size;
      case 'digest':
        return `${size},"argsHmac":"${digest(text)}"`;
      case 'redacted':
      case 'full': {
        const shown = box.redact(args);
        return `${size},"argsHmac":"${digest(text)}","args":${shown === args ? text : JSON.stringify(shown)}`;
      }
    }
  }

  /** Members that every first record of a call has, whatever became of it. */
  function asked(kind: RecordKind, box: Box, call: ToolCall, route: ViewRoute | undefined): string {
    const { principal, origin } = call;
    let caller = callerTexts.get(principal);
    if (caller === undefined) callerTexts.set(principal, (caller = callerText(principal)));
    let routed = '';
    if (route !== undefined) {
      routed = routeTexts.get(route) ?? '';
      if (routed === '') routeTexts.set(route, (routed = `,"tool":${JSON.stringify(route.ref)},"fingerprint":"${route.fingerprint}"`));
    }
    return (
      `{"kind":"${kind}","time":${Date.now()},"call":"${call.id}"${caller},"face":"${origin.face}"` +
      `${member('protocol', origin.protocolVersion)}${member('session', origin.sessionId)}${member('request', origin.requestId)}` +
      `${member('trace', call.context.traceparent?.slice(3, 35))}${member('profile', call.profile)}${member('name', call.name.slice(0, MAX_NAME))}` +
      `${routed}${argumentsText(box, call.args)},"config":"${box.settings.hash.slice(0, HASH_DIGITS)}"`
    );
  }

  return {
    intent: (box, call, route, decision, lease, booked, grant, of) => ({
      kind: 'intent',
      call: call.id,
      written: `${asked('intent', box, call, route)}${decided(decision)},"limits":${JSON.stringify(lease.limits)}${bookings('booked', booked)}${grant === undefined ? '' : grantText(grant)}${member('of', of)}${isFull(box) ? payloads.arguments(call) : ''}}`,
    }),
    outcome: (box, call, outcome, { bytes, upstreamMs, settled, guarded }) => ({
      kind: 'outcome',
      call: call.id,
      written:
        `{"kind":"outcome","time":${Date.now()},"call":"${call.id}","outcome":"${outcome.type}"${endText(outcome)},"resultBytes":${bytes}` +
        `,"upstreamMs":${round(upstreamMs)},"totalMs":${round(performance.now() - call.context.arrivedAt)}${bookings('settled', settled)}${guarded === undefined ? '' : `${member('guard', guarded.guard)}${member('found', guarded.found)}`}${isFull(box) ? payloads.result(call, outcome) : ''}}`,
    }),
    refused: (box, call, route, outcome, limit) => ({
      kind: 'refused',
      call: call.id,
      written:
        asked('refused', box, call, route) +
        (route === undefined ? quarantined(box, call) : '') +
        (outcome.decision === undefined ? `,"policy":"${box.rules.hash.slice(0, HASH_DIGITS)}"` : decided(outcome.decision)) +
        `,"code":"${outcome.code}"${member('limit', limit)}}`,
    }),
    waiting: (box, call, route, outcome) => ({
      kind: 'refused',
      call: call.id,
      written: `${asked('refused', box, call, route)}${decided(outcome.decision)},"code":"approval_required","approval":"${outcome.approvalId}"}`,
    }),
    digest: (args) => digest(canonicalJson(args)),
  };
}

const isFull = ({ settings: { audit } }: Box): boolean => audit.payloads === 'full';

const decided = (decision: Decision): string =>
  `,"effect":"${decision.effect}"${member('rule', decision.rule)},"policy":"${decision.policyHash.slice(0, HASH_DIGITS)}"${member('shadow', decision.shadow)}`;

/** What the caller is not told: that there is such a tool, and why it is held. */
function quarantined(box: Box, { name, profile }: ToolCall): string {
  const held = heldAs(box, name, profile);
  return held === undefined ? '' : `,"quarantined":${JSON.stringify(held.ref)},"fingerprint":"${held.fingerprint}","cause":"${held.standing.cause}"${member('why', held.standing.why.slice(0, MAX_WHY))}`;
}

const callerText = ({ id, tenant, proof, proofId, actsFor }: Principal): string =>
  `${member('caller', id)}${member('tenant', tenant)}${member('proof', proof)}${member('proofId', proofId)}${member('actsFor', actsFor)}`;

const grantText = ({ approval, approvedBy, edited }: Grant): string =>
  `${member('approval', approval)}${member('approvedBy', approvedBy)}${edited ? ',"edited":true' : ''}`;

function endText(outcome: Outcome): string {
  switch (outcome.type) {
    case 'completed':
      return `,"isError":${outcome.isError}`;
    case 'failed':
      return `,"code":"${outcome.code}","executed":"${outcome.executed}"`;
    default:
      return '';
  }
}

/** Microseconds are as fine as anybody will ask for. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
