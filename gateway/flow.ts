/**
 * What sessions touch, on the call path: its memory, which lives as long as the process, and the moment at which a
 * call is let through. From then on what it touches is remembered, before its intent is written.
 * What the run touched since the call was decided is judged here too, so that of two calls side by side neither escapes
 * what the other one touched.
 */
import type { Outcome } from '../core/outcome.ts';
import type { Decision, DecisionRequest, Rules } from '../core/decision.ts';
import type { Flow, FlowVisit } from '../core/flow.ts';
import type { Log } from '../core/log.ts';
import { createFlow } from '../policies/index.ts';
import { createFlowStore } from '../store/index.ts';

export interface FlowKeeper {
  /** Opened when it is first asked for: where nothing is labelled there is none. @throws Error when the store cannot be opened */
  open(): Flow;
  close(): void;
}

export function createFlowKeeper(dataDir: string, openSessions: () => Iterable<{ readonly id: string }>): FlowKeeper {
  let flow: Flow | undefined;
  return {
    open: () => (flow ??= createFlow({ store: createFlowStore(dataDir), openSessions })),
    close: () => flow?.close(),
  };
}

type Refusal = Outcome & { type: 'refused' };

/** Why the call is not made after all; `undefined` where it is. */
export function touchFlow(rules: Rules, log: Log, call: string, visit: FlowVisit, request: DecisionRequest, decision: Decision): Refusal | undefined {
  const seen = visit.seen();
  // Labels are only added while a call of the run is under way.
  if (seen.length !== request.seen?.length) {
    const changed = changedDecision(rules.decide({ ...request, seen }), decision);
    if (changed !== undefined) return changed;
  }
  if (request.route.labels === undefined) return undefined;
  try {
    visit.touch(request.route.labels);
    return undefined;
  } catch (error) {
    log.error({ call, error: String(error) }, 'call refused: what it touches could not be recorded');
    return { type: 'refused', code: 'ledger_unavailable', message: 'The call was not made, because what it touches could not be recorded.', decision };
  }
}

function changedDecision(now: Decision, before: Decision): Refusal | undefined {
  if (now.effect === 'deny') return { type: 'refused', code: 'denied', message: now.reason, decision: now };
  const asksAnew = now.effect === 'ask' && (before.effect !== 'ask' || now.rule !== before.rule);
  return asksAnew ? { type: 'refused', code: 'approval_required', message: `${now.reason}; call again to ask for it`, decision: now } : undefined;
}
