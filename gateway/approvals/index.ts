/** Calls that a person decides, in the hall: the phase on the call path, and the desk where it is decided. */
export { OPERATOR_ID, type ApprovalDesk, type Decision as DeskDecision } from './desk.ts';
export { createApprovalKeeper, type ApprovalKeeper } from './keeper.ts';
export type { ApprovalPhase, Grant } from './phase.ts';
