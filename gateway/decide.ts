/**
 * Phase 2: whether a call may happen, and whether its arguments fit. Reading on in a result is decided as the call that
 * it came of, with its arguments, would be decided now. It counts nothing and asks nobody.
 */
import type { ToolCall } from '../core/call.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Decision, DecisionRequest } from '../core/decision.ts';
import type { FlowVisit } from '../core/flow.ts';
import type { Log } from '../core/log.ts';
import type { Box } from './box.ts';
import type { ViewRoute } from './catalog/view.ts';
import { NO_RESULT } from './results/index.ts';

export type Decided =
  | { readonly type: 'refused'; readonly outcome: Outcome & { type: 'refused' } }
  | {
      readonly type: 'decided';
      readonly decision: Decision;
      /** What was decided about. */
      readonly request: DecisionRequest;
      /** What limits and budgets count: the call as it came. */
      readonly counted: DecisionRequest;
      /** The call whose result is read. */
      readonly of: string | undefined;
    };

export function decide(box: Box, call: ToolCall, route: ViewRoute, visit: FlowVisit | undefined, log: Log): Decided {
  let counted: DecisionRequest = { principal: call.principal, route, args: call.args, origin: call.origin, profile: call.profile };
  if (visit !== undefined) counted = { ...counted, seen: visit.seen() };
  if (route.reads !== undefined) return decideReading(box, call, route.reads, counted);
  const decision = box.rules.decide(counted);
  if (decision.effect === 'deny') return refused('denied', decision.reason, decision);
  const unfit = box.arguments?.unfit(route, call.args);
  if (unfit !== undefined) {
    if (box.settings.arguments.mode === 'enforce') return refused('invalid_arguments', unfit, decision);
    log.warn({ call: call.id, tool: route.ref, problem: unfit }, 'arguments do not fit the schema of the tool');
  }
  return { type: 'decided', decision, request: counted, counted, of: undefined };
}

function decideReading(box: Box, call: ToolCall, reads: NonNullable<ViewRoute['reads']>, counted: DecisionRequest): Decided {
  const reading = reads(box.view(call.principal, call.profile)?.routes ?? new Map(), call);
  if (reading === undefined) return refused('invalid_arguments', NO_RESULT);
  const request = { ...counted, route: reading.route, args: reading.args };
  const decision = box.rules.decide(request);
  if (decision.effect === 'deny') return refused('denied', decision.reason, decision);
  // Who approved the call approved of its result.
  return { type: 'decided', decision: decision.effect === 'ask' ? { ...decision, effect: 'allow' } : decision, request, counted, of: reading.call };
}

const refused = (code: 'denied' | 'invalid_arguments', message: string, decision?: Decision): Decided => ({
  type: 'refused',
  outcome: { type: 'refused', code, message, ...(decision === undefined ? {} : { decision }) },
});
