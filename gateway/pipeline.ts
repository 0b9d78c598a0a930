/**
 * The one path of every tool call, whatever asked for it. A straight line of phases: their order is the security.
 * It renders nothing for any face, and authenticates nobody: both have happened, or will, elsewhere.
 */
import { performance } from 'node:perf_hooks';
import type { Ledger } from '../core/audit.ts';
import type { ToolCall } from '../core/call.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Decision } from '../core/decision.ts';
import type { FlowVisit } from '../core/flow.ts';
import type { BudgetResult, Lease, LeaseResult, Reservation } from '../core/lease.ts';
import type { Log } from '../core/log.ts';
import type { KnownSecrets } from '../policies/index.ts';
import type { ApprovalPhase, Grant } from './approvals/index.ts';
import type { Box } from './box.ts';
import type { ViewRoute } from './catalog/view.ts';
import { decide } from './decide.ts';
import { createExecution } from './execute.ts';
import { touchFlow } from './flow.ts';
import { isOutdated, recheck } from './pins/index.ts';
import { hideIn, withoutSecrets } from './known-secrets.ts';
import type { CallRecords } from './records.ts';
import { endOfCall } from './tracing/index.ts';
import { createGuardPhase, type Guarded, type HeldResults } from './results/index.ts';

export interface PipelineParts {
  readonly ledger: Ledger;
  readonly records: CallRecords;
  readonly approve: ApprovalPhase;
  readonly results: HeldResults;
  readonly log: Log;
  readonly known: KnownSecrets;
  /** Told of every outcome, for metrics. */
  readonly onOutcome?: (call: ToolCall, ref: string | undefined, outcome: Outcome, totalMs: number) => void;
  readonly onGuarded?: (guarded: Guarded) => void;
  /** Told how long each call was at its server. */
  readonly onUpstream?: (server: string, upstreamMs: number) => void;
}

export type CallTool = (box: Box, call: ToolCall) => Promise<Outcome>;

/** Never rejects: whatever goes wrong is an Outcome, and a fault of our own refuses the call. */
export function createPipeline(parts: PipelineParts): CallTool {
  const { ledger, records, approve, log, known, onOutcome } = parts;
  const execute = createExecution({ ...parts, guard: createGuardPhase(parts.results, (value) => hideIn(value, known)) });

  /** @param given by whom the call's arguments were written anew: they take every phase from here on as if they had come so */
  async function run(box: Box, call: ToolCall, route: ViewRoute | undefined, visit: FlowVisit | undefined, given?: Grant): Promise<Outcome> {
    if (route === undefined) return refuse(box, call, route, { type: 'refused', code: 'unknown_tool', message: `Unknown tool: ${call.name}` });

    // 2 decide
    const decided = decide(box, call, route, visit, log);
    if (decided.type === 'refused') return refuse(box, call, route, decided.outcome);
    const { decision, request, counted } = decided;
    const { trace } = call.context;
    trace?.decided(decision);

    // 3 lease
    const leased = box.limiter.lease(counted, performance.now());
    if (leased.type === 'limited') return refuse(box, call, route, limited(leased, decision), leased.limit);
    const { lease } = leased;
    let held: Reservation | undefined;
    try {
      if (box.budgets.count > 0) {
        const budgeted = box.budgets.reserve(counted, Date.now());
        if (budgeted.type !== 'granted') {
          lease.release();
          return refuse(box, call, route, overBudget(budgeted, decision), budgeted.budget);
        }
        held = budgeted.reservation;
      }

      // 4 approve: what a person must allow waits until one has.
      let grant = given;
      if (decision.effect === 'ask') {
        const approval = approve(box, call, route, decision, given);
        if (approval.type === 'refused') return refuse(box, call, route, approval.outcome);
        if (approval.type !== 'granted') giveBack(lease, held);
        if (approval.type === 'waiting') return approval.outcome;
        grant = approval.grant;
        if (approval.type === 'edited') return await run(box, { ...call, args: approval.args }, route, visit, grant);
      }

      // From here on the call counts as made: one that is decided after it must see what it touches.
      const late = visit === undefined ? undefined : touchFlow(box.rules, log, call.id, visit, request, decision);
      if (late !== undefined) return refuse(box, call, route, late);

      // 5 intent: durable before any byte goes upstream. No intent, no call.
      const written = trace?.ledgerWrite('intent');
      try {
        await ledger.write(records.intent(box, call, route, decision, lease, held?.booked, grant, decided.of));
        written?.(false);
      } catch (error) {
        written?.(true);
        return unrecorded(log, call, error);
      }
      // 6 invoke, 7 guard, 8 record
      return await execute(box, call, route, request, held);
    } finally {
      lease.settle();
      // Only what was not sent is still open here.
      held?.release();
    }
  }

  function refuse(box: Box, call: ToolCall, route: ViewRoute | undefined, outcome: Outcome & { type: 'refused' }, limit?: string): Outcome {
    ledger.writeSoon(records.refused(box, call, route, outcome, limit));
    return outcome;
  }

  return async (box, arrived) => {
    const call = box.tracer === undefined ? arrived : box.tracer(arrived);
    let outcome: Outcome;
    let route: ViewRoute | undefined;
    let visit: FlowVisit | undefined;
    try {
      // 1 resolve: in the catalog as this principal sees it. Unseen is unknown.
      route = find(box, call);
      if (route === undefined && !box.isSettled()) route = await findLater(box, call);
      // Where pins are enforced, a tool that was listed too long ago is looked at again, and resolved anew.
      const late = route !== undefined && isOutdated(box, route) ? await recheck(box, call, route, find) : undefined;
      if (late !== undefined) route = late.route;
      if (route !== undefined) call.context.trace?.resolved(route);
      visit = box.flow?.enter(call);
      outcome = late?.refusal === undefined ? await run(box, call, route, visit) : refuse(box, call, route, late.refusal);
    } catch (error) {
      log.error({ call: call.id, ...traceOf(call), error: error instanceof Error ? error.stack : String(error) }, 'fault on the call path');
      outcome = { type: 'failed', code: 'internal', message: `Something went wrong inside the gateway (id ${call.id}).`, executed: 'maybe' };
    } finally {
      visit?.leave();
    }
    outcome = withoutSecrets(outcome, box, known);
    if (outcome.type === 'failed') log.debug({ call: call.id, ...traceOf(call), tool: route?.ref, code: outcome.code, executed: outcome.executed }, outcome.message);
    endTrace(call, outcome);
    onOutcome?.(call, route?.ref, outcome, performance.now() - call.context.arrivedAt);
    return outcome;
  };
}

function endTrace({ context: { trace } }: ToolCall, outcome: Outcome): void {
  if (trace === undefined) return;
  // A refusal knows which rule it was, also where a later one than the first decided.
  if ((outcome.type === 'refused' || outcome.type === 'waiting') && outcome.decision !== undefined) trace.decided(outcome.decision);
  trace.end(outcome.type, endOfCall(outcome));
}

/** By which a line of the log is found from a trace. */
const traceOf = ({ context: { traceparent } }: ToolCall): { trace?: string } => (traceparent === undefined ? {} : { trace: traceparent.slice(3, 35) });

/** The call was not made and may come again: it has used up nothing. */
function giveBack(lease: Lease, held: Reservation | undefined): void {
  lease.release();
  held?.release();
}

function unrecorded(log: Log, call: ToolCall, error: unknown): Outcome {
  log.error({ call: call.id, ...traceOf(call), error: String(error) }, 'call refused: its intent could not be recorded');
  return { type: 'refused', code: 'ledger_unavailable', message: 'The call was not made, because it could not be recorded.' };
}

const find = (box: Box, call: ToolCall): ViewRoute | undefined => box.view(call.principal, call.profile)?.routes.get(call.name);

/** A name that is not there may belong to a server that is still connecting: only then is it worth waiting. */
async function findLater(box: Box, call: ToolCall): Promise<ViewRoute | undefined> {
  await box.settled;
  return find(box, call);
}

const limited = ({ message, retryAfterMs }: LeaseResult & { type: 'limited' }, decision: Decision): Outcome & { type: 'refused' } => ({
  type: 'refused',
  code: 'rate_limited',
  message,
  decision,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

const overBudget = (result: Exclude<BudgetResult, { type: 'granted' }>, decision: Decision): Outcome & { type: 'refused' } => ({
  type: 'refused',
  code: 'budget_exhausted',
  message: result.message,
  decision,
  ...(result.type === 'exhausted' ? { retryAfterMs: result.retryAfterMs } : {}),
});
