/** One client that is kept waiting: why it might stop, how long it may take, and what it is told meanwhile. */
import type { ApprovalRequest } from '../../../core/approval.ts';
import type { ToolCall } from '../../../core/call.ts';
import { CancelSource } from '../../../core/cancel.ts';
import type { ApprovalDesk } from '../../approvals/index.ts';
import type { RequestContext } from '../method.ts';
import { askClient } from './client-requests.ts';
import { approvalForm, readForm } from './form.ts';
import { waitFor } from './room.ts';
import { decideAsSelf, mayAskSelf } from './self.ts';
import { createTicking, type Ticking } from './ticking.ts';

/** A form that comes back wrong is shown again this often. */
const MAX_FORMS = 5;

export class Stay {
  readonly context: RequestContext;
  readonly calledOff = new CancelSource();
  readonly ticking: Ticking;
  readonly #desk: ApprovalDesk;
  readonly #endsAtMs: number;

  /** @param knownMs how long it may take; undefined where that is for a person to say */
  constructor(desk: ApprovalDesk, call: ToolCall, context: RequestContext, knownMs: number | undefined) {
    this.#desk = desk;
    this.context = context;
    this.#endsAtMs = Date.now() + context.box.settings.approvals.waitMs;
    this.ticking = createTicking(call.context.onProgress, knownMs);
    call.context.cancellation.onCancel((why) => this.calledOff.cancel(why));
    // In a session a broken connection cancels no call. But one that waits has not begun, and nobody would hear how it ended.
    if (context.session !== undefined) context.exchange.onGone(() => this.calledOff.cancel('The client went away.'));
  }

  /** @returns what became of the request; undefined where this client is not to wait for that any longer */
  async untilSettled(request: ApprovalRequest): Promise<ApprovalRequest | undefined> {
    const { approvals } = this.#desk;
    this.ticking.say(`Waiting for approval ${request.id} (rule "${request.rule}").`);
    try {
      const asked = mayAskSelf(request, this.context) ? await this.#ask(request) : 'not-asked';
      if (asked === 'dismissed') return undefined;
      if (asked === 'not-asked') await waitFor(approvals, request.id, Math.min(this.#endsAtMs, request.expiresAt), this.calledOff).ended;
    } finally {
      this.ticking.stop();
    }
    const now = approvals.find(request.id, Date.now());
    return this.calledOff.cancelled || now?.state === 'pending' ? undefined : now;
  }

  /**
   * The person at a 2025 client.
   * @returns `over` where the request tells how it ended; `dismissed` where there is no answer that may be followed;
   * `not-asked` where the client cannot be reached, or cannot ask after all
   */
  async #ask(request: ApprovalRequest): Promise<'over' | 'dismissed' | 'not-asked'> {
    const { session, exchange, box, principal } = this.context;
    const { id, expiresAt } = request;
    if (session === undefined) return 'not-asked';
    let problem: string | undefined;
    for (let form = 1; form <= MAX_FORMS; form++) {
      const asking = askClient(session, exchange, 'elicitation/create', approvalForm(request, problem));
      if (asking === undefined) return 'not-asked';
      const wait = waitFor(this.#desk.approvals, id, expiresAt, this.calledOff);
      const answer = await Promise.race([asking.answer, wait.ended]);
      wait.stop();
      if (typeof answer === 'string') {
        asking.withdraw(answer === 'stopped' ? 'The request for approval is not open here any more.' : 'The request for approval is settled.');
        return 'over';
      }
      if (answer.type !== 'result') return 'not-asked';
      const read = readForm(answer.result, box.settings.listen.maxDepth);
      if (read.type === 'dismissed') return 'dismissed';
      const uncounted = read.type === 'decided' ? await decideAsSelf(this.#desk, id, read.verdict, principal) : { message: read.message, isOpen: true };
      if (uncounted === undefined) return 'over';
      // Somebody else was first. Their yes is not what this person said, so that it waits to be called for.
      if (!uncounted.isOpen) return 'dismissed';
      problem = uncounted.message;
    }
    return 'dismissed';
  }
}
