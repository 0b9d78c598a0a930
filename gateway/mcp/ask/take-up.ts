/**
 * A 2026 request that comes again with what the person at the client said: what it brings is checked whole, and the
 * verdict goes to the desk. The call itself goes in from the top afterwards, or not at all.
 */
import type { ApprovalRequest } from '../../../core/approval.ts';
import { isJsonObject, own, type JsonObject } from '../../../core/json.ts';
import type { ApprovalDesk } from '../../approvals/index.ts';
import type { Sealer } from '../../seal.ts';
import type { RequestContext } from '../method.ts';
import { readForm } from './form.ts';
import { INPUT_KEY, type Held, type Waiting } from './held.ts';
import { openState, type BoundCall } from './request-state.ts';
import { decideAsSelf, inputRequired } from './self.ts';

export interface TakeUpParts {
  readonly desk: ApprovalDesk;
  readonly sealer: Sealer;
  readonly newCallId: () => string;
}

/** @returns what to answer; undefined where the call goes in as any other */
export type TakeUp = (params: JsonObject, name: string, args: JsonObject, context: RequestContext) => Promise<Held | undefined>;

export const createTakeUp =
  ({ desk, sealer, newCallId }: TakeUpParts): TakeUp =>
  async (params, name, args, { principal, profile, box }) => {
    const call: BoundCall = { principal, profile, name, args };
    const state = openState(sealer, own(params, 'requestState'), call, Date.now());
    if (state.type === 'bad') return invalid(state.message);
    const responses = own(params, 'inputResponses') ?? {};
    if (!isJsonObject(responses)) return invalid('Expected "inputResponses" to be an object.');
    const response = own(responses, INPUT_KEY);
    // Not answered: the call goes in again, finds its request, and asks again.
    if (response === undefined) return undefined;
    const request = desk.approvals.find(state.approvalId, Date.now());
    if (request === undefined) return invalid('Nothing is known of this request for approval any more. Call again without "requestState".');
    const read = readForm(response, box.settings.listen.maxDepth);
    switch (read.type) {
      case 'invalid':
        return invalid(`"inputResponses.${INPUT_KEY}": ${read.message}`);
      case 'unclear':
        return inputRequired(sealer, request, call, read.message);
      case 'dismissed':
        return { type: 'ended', callId: newCallId(), outcome: stillWaiting(request) };
      case 'decided': {
        const problem = await decideAsSelf(desk, request.id, read.verdict, principal);
        if (problem === undefined) return undefined;
        return problem.isOpen ? inputRequired(sealer, request, call, problem.message) : invalid(`${problem.message} Call again without "requestState".`);
      }
    }
  };

const invalid = (message: string): Held => ({ type: 'invalid', message });

/** As the call path says it of a call that waits. */
function stillWaiting(request: ApprovalRequest): Waiting {
  const { id, rule, reason, policyHash, terms } = request;
  return { type: 'waiting', approvalId: id, message: `${reason} (approval ${id})`, decision: { effect: 'ask', rule, reason, policyHash, ask: terms }, request };
}
