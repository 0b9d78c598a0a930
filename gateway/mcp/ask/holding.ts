/**
 * Calls that a person decides, at the clients of both eras: the person there is asked where that may be and can be, or the
 * client is kept waiting for somebody else's word. It decides nothing and grants nothing: what was decided is written down
 * at the desk, and the call comes in again from the top, where the grant is found.
 */
import type { ApprovalRequest } from '../../../core/approval.ts';
import type { ToolCall } from '../../../core/call.ts';
import type { Outcome } from '../../../core/outcome.ts';
import { CancelSource } from '../../../core/cancel.ts';
import type { Log } from '../../../core/log.ts';
import type { Principal } from '../../../core/principal.ts';
import type { Box } from '../../box.ts';
import type { CallTool } from '../../pipeline.ts';
import type { RequestContext } from '../method.ts';
import type { Held, Waiting } from './held.ts';
import { createRoom } from './room.ts';
import { inputRequired, mayAskSelf } from './self.ts';
import { Stay } from './stay.ts';
import { createTakeUp, type TakeUp, type TakeUpParts } from './take-up.ts';

export interface HoldingParts extends TakeUpParts {
  readonly callTool: CallTool;
  /** Lets the sender of these headers in anew, by what is in force now; undefined where it is not let in any more. */
  readonly admit: (headers: RequestContext['headers']) => { readonly box: Box; readonly principal: Principal } | undefined;
  readonly log: Log;
}

export interface Holding {
  /** What a 2026 request brings along from an answer before. */
  readonly takeUp: TakeUp;
  /** A call that waits, until there is something to say to its client. Never rejects. */
  hold(call: ToolCall, outcome: Waiting, context: RequestContext): Promise<Held>;
  /** Nobody is kept waiting any more: each is told that its request stands. */
  close(): void;
  /** Clients that are kept waiting. */
  readonly size: number;
}

export function createHolding(parts: HoldingParts): Holding {
  const { desk, sealer, callTool, newCallId, admit, log } = parts;
  const room = createRoom();
  const closing = new CancelSource();
  /** Denials that are being told: a denial is found once, and every client that waited for it hears of it. */
  const denialsTold = new Set<string>();

  async function untilEnded(stay: Stay, first: ToolCall, outcome: Waiting): Promise<Held> {
    const { context, ticking } = stay;
    let call = first;
    let waiting = outcome;
    for (;;) {
      const settled = await stay.untilSettled(waiting.request);
      if (settled === undefined) return ended(call, waiting);
      if (settled.state === 'expired') return ended(call, expired(waiting));
      if (settled.state === 'denied' && denialsTold.has(settled.id)) return ended(call, denied(waiting, settled));
      call = { ...call, id: newCallId(), context: { ...call.context, onProgress: ticking.onward } };
      const next = await again(call, context, settled);
      if (next.type !== 'waiting') return ended(call, next);
      waiting = next;
      // The rules of now may ask another person than those of then.
      if (context.era === 'modern' && mayAskSelf(waiting.request, context)) return inputRequired(sealer, waiting.request, call);
    }
  }

  /** From the top, by what is in force now: who calls is found out anew as well. */
  async function again(call: ToolCall, { headers, principal }: RequestContext, { id, state }: ApprovalRequest): Promise<Outcome> {
    const admitted = admit(headers);
    if (admitted === undefined || admitted.principal.id !== principal.id || admitted.principal.tenant !== principal.tenant) {
      return { type: 'refused', code: 'unauthenticated', message: 'The caller is not let in any more.' };
    }
    if (state === 'denied') denialsTold.add(id);
    try {
      return await callTool(admitted.box, { ...call, principal: admitted.principal });
    } finally {
      if (state === 'denied') denialsTold.delete(id);
    }
  }

  async function hold(call: ToolCall, outcome: Waiting, context: RequestContext): Promise<Held> {
    const asksSelf = mayAskSelf(outcome.request, context);
    if (asksSelf && context.era === 'modern') return inputRequired(sealer, outcome.request, call);
    const leave = closing.cancelled ? undefined : room.enter(call.principal);
    if (leave === undefined) return ended(call, outcome);
    const stay = new Stay(desk, call, context, asksSelf ? undefined : context.box.settings.approvals.waitMs);
    const unlisten = closing.onCancel((why) => stay.calledOff.cancel(why));
    try {
      return await untilEnded(stay, call, outcome);
    } catch (error) {
      log.error({ call: call.id, error: error instanceof Error ? error.stack : String(error) }, 'fault while a call was held');
      return ended(call, { type: 'failed', code: 'internal', message: `Something went wrong inside the gateway (id ${call.id}).`, executed: 'no' });
    } finally {
      unlisten();
      leave();
    }
  }

  return {
    takeUp: createTakeUp(parts),
    hold,
    close: () => closing.cancel('The gateway is stopping.'),
    get size() {
      return room.size;
    },
  };
}

const ended = ({ id }: ToolCall, outcome: Outcome): Held => ({ type: 'ended', callId: id, outcome });

const expired = ({ decision }: Waiting): Outcome => ({
  type: 'refused',
  code: 'approval_required',
  message: 'Nobody decided on this call in time, and nothing was called. Calling again asks anew.',
  decision,
});

const denied = ({ decision }: Waiting, { note }: ApprovalRequest): Outcome => ({
  type: 'refused',
  code: 'denied',
  message: note === undefined ? 'A person denied this call.' : `A person denied this call: ${note}`,
  decision,
});
