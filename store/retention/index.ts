export { mayCover, type Hold } from './holds.ts';
export { planPurge, slicesOf, type PurgePlan, type PurgeRequest } from './plan.ts';
export { readRetention, RETENTION_FILE, writeRetention, type BegunPurge, type RetentionState } from './state.ts';
