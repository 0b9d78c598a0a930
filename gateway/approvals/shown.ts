/** A request as people see it outside the call path. The session's id stays inside: whoever holds one is half way into it. */
import type { ApprovalRequest } from '../../core/approval.ts';

export type ShownApproval = Omit<ApprovalRequest, 'sessionId'>;

export function shown({ sessionId: _inside, ...request }: ApprovalRequest): ShownApproval {
  return request;
}
