/** The audit ledger: one writer, any number of readers, and a check that needs neither. */
export { createLedger } from './ledger.ts';
export type { LedgerOptions } from './options.ts';
export type { PurgeableLedger } from './chores.ts';
export type { SeqRange } from './blank.ts';
export type { CheckpointOptions } from './checkpointing.ts';
export { createLedgerReader } from './reader.ts';
export { proveConsistency, proveRecord, Unprovable } from './prove.ts';
export { verifyLedger, type VerifyOptions, type VerifyResult } from './verify.ts';
export type { GivenCheckpoint } from './verify-checkpoints.ts';
export { LEDGER_FILE } from './file.ts';
