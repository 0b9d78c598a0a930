/** What a ledger is opened with. */
import type { Worker } from 'node:worker_threads';
import type { Log } from '../../core/log.ts';
import type { CheckpointOptions } from './checkpointing.ts';

export interface LedgerOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Longest that a record of `writeSoon` waits for company. Default 10. */
  readonly lagMs?: number;
  /** A write that waits for others on a busy event loop goes when fewer came within this time than are worth it. Default 4; 0 never waits. */
  readonly gatherMs?: number;
  /** How often a ledger that cannot be written is tried when no call does so. Default 1000. */
  readonly retryMs?: number;
  /** Upper bound of the database in pages of 4 KiB: a full disk on any machine, for tests. */
  readonly maxPages?: number;
  /** Signed from time to time; absent: never, but records can still be written. */
  readonly checkpoints?: CheckpointOptions;
  /** Sees each writer thread as it starts, for tests. */
  readonly onThread?: (thread: Worker) => void;
}
