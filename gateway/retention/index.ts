export { inWords, RetentionRefused, type RetentionDesk, type ShownPayload } from './desk.ts';
export { createRetentionKeeper, type RetentionKeeper } from './keeper.ts';
export type { PayloadWriter } from './payloads.ts';
export type { Purged } from './purge.ts';
export { runRetention } from './run.ts';
