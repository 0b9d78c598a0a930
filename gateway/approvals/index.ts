/** Calls that a person decides, in the hall: the phase on the call path, the desk where it is decided, the announcements. */
export { OPERATOR_ID, type ApprovalDesk, type Decision as DeskDecision } from './desk.ts';
export { createApprovalKeeper, type ApprovalKeeper } from './keeper.ts';
export type { ApprovalPhase, Grant } from './phase.ts';
export { shown, type ShownApproval } from './shown.ts';
export { targetOf, type ResolveTarget } from './webhook.ts';
