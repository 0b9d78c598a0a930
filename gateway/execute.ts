/**
 * Phases 6 to 8: the call is made, its result is guarded, its end is recorded, whatever that is. Nothing here decides
 * whether it may be made, and nothing gets here without a durable intent.
 */
import { performance } from 'node:perf_hooks';
import type { Ledger, LedgerEntry } from '../core/audit.ts';
import type { ToolCall } from '../core/call.ts';
import type { Outcome } from '../core/outcome.ts';
import type { InvokeResult } from '../core/connector.ts';
import type { DecisionRequest } from '../core/decision.ts';
import type { JsonObject } from '../core/json.ts';
import type { Booking, Reservation } from '../core/lease.ts';
import type { CallTrace } from '../core/trace.ts';
import type { Box } from './box.ts';
import type { ViewRoute } from './catalog/view.ts';
import type { CallRecords } from './records.ts';
import { endOfInvocation } from './tracing/index.ts';
import { guardedProgress, type Guarded, type GuardPhase } from './results/index.ts';

export interface ExecutionParts {
  readonly ledger: Ledger;
  readonly records: CallRecords;
  readonly guard: GuardPhase;
  readonly onGuarded?: (guarded: Guarded) => void;
  readonly onUpstream?: (server: string, upstreamMs: number) => void;
}

/** @param request what was decided about: of a page that is read, the call that it came of */
export type Execute = (box: Box, call: ToolCall, route: ViewRoute, request: DecisionRequest, held: Reservation | undefined) => Promise<Outcome>;

export function createExecution({ ledger, records, guard, onGuarded, onUpstream }: ExecutionParts): Execute {
  async function writeNow(record: LedgerEntry, trace: CallTrace | undefined): Promise<void> {
    const written = trace?.ledgerWrite('outcome');
    try {
      await ledger.write(record);
      written?.(false);
    } catch {
      written?.(true);
      ledger.writeSoon(record);
    }
  }

  return async (box, call, route, request, held) => {
    const sentAt = performance.now();
    // The client's capabilities stay here: what an upstream would ask of the client, the gateway cannot carry yet.
    const { cancellation, meta, tracestate, trace } = call.context;
    const span = trace?.upstream(route);
    // What is read on has been guarded as a whole.
    const isGuarded = box.guards.count > 0 && route.reads === undefined;
    const onProgress = isGuarded && call.context.onProgress !== undefined ? guardedProgress(box, request, call.context.onProgress) : call.context.onProgress;
    let outcome: Outcome = { type: 'failed', code: 'internal', message: 'The call ended without an outcome.', executed: 'maybe' };
    let bytes = 0;
    let upstreamMs = 0;
    let guarded: Guarded | undefined;
    try {
      // 6 invoke
      const result = await route.connector.invoke({ tool: route.tool, args: call.args, cancellation, onProgress, meta, traceparent: span?.traceparent ?? call.context.traceparent, tracestate });
      upstreamMs = performance.now() - sentAt;
      span?.end(endOfInvocation(result));
      onUpstream?.(route.server, upstreamMs);
      // 7 guard: the size cap is the connector's, which never buffers more than it.
      if (result.type !== 'fault') bytes = result.bytes;
      const answered = toOutcome(route, result);
      if (isGuarded) ({ outcome, guarded } = await guard(box, call, request, answered, bytes));
      else outcome = answered;
      if (guarded !== undefined) onGuarded?.(guarded);
    } finally {
      // 8 record
      const settled = held === undefined ? undefined : settle(held, outcome, bytes);
      const record = records.outcome(box, call, outcome, { bytes, upstreamMs, settled, guarded });
      if (box.settings.audit.durability === 'strict') await writeNow(record, trace);
      else ledger.writeSoon(record);
    }
    return outcome;
  };
}

/** What may have run keeps what was held for it, where its own figure is not known. */
const settle = (held: Reservation, outcome: Outcome, bytes: number): readonly Booking[] =>
  outcome.type === 'failed' && outcome.executed === 'no' ? held.release() : held.settle({ ...(bytes > 0 ? { bytes } : {}), tokens: 0, usd: 0 });

function toOutcome(route: ViewRoute, result: InvokeResult): Outcome {
  switch (result.type) {
    case 'result':
      return { type: 'completed', result: result.result, isError: isToolError(result.result) };
    case 'error':
      return {
        type: 'failed',
        code: 'upstream_error',
        message: `Server "${route.server}" answered with an error: ${result.error.message}`,
        executed: 'maybe',
        upstreamError: result.error,
      };
    case 'fault':
      return {
        type: 'failed',
        code: FAULT_CODES[result.reason],
        message: result.message,
        executed: result.executed,
        ...(result.retryAfterMs === undefined ? {} : { retryAfterMs: result.retryAfterMs }),
      };
  }
}

const isToolError = (result: JsonObject): boolean => Object.hasOwn(result, 'isError') && result['isError'] === true;

const FAULT_CODES = {
  unavailable: 'upstream_unavailable',
  overloaded: 'busy',
  timeout: 'upstream_timeout',
  cancelled: 'cancelled',
  'too-large': 'result_too_large',
  lost: 'upstream_lost',
  protocol: 'upstream_error',
} as const;
