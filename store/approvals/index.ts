/** Requests and grants of calls that a person decides. */
export { APPROVALS_FILE, createApprovals, type ApprovalsOptions } from './approvals.ts';
