/** What the ledger and its worker say to each other. Nothing else crosses. */
import type { SeqRange } from './blank.ts';
import type { MadeCheckpoint } from './checkpoints.ts';

export interface WorkerOptions {
  readonly path: string;
  /** Upper bound of the database in pages: a disk that is full on every machine, for tests. */
  readonly maxPages: number | undefined;
  /** Of the key that checkpoints are signed with; without it none are made. */
  readonly seed?: Uint8Array | undefined;
}

/**
 * To the worker. A string is a batch: the records' JSON, one a line (JSON text holds no raw line feed), committed whole
 * or not at all. `mark` is kept for the next commit and not answered; `checkpoint` is answered by `checkpoint` or
 * `no-checkpoint`, unless there is nothing new; every other message is answered once, in order.
 */
export type ToWorker =
  | string
  | { readonly type: 'mark'; readonly closedBelow: number }
  | { readonly type: 'checkpoint' }
  | { readonly type: 'probe' }
  | { readonly type: 'blank'; readonly ranges: readonly SeqRange[]; readonly closedBelow: number }
  | { readonly type: 'empty-log' }
  | { readonly type: 'close'; readonly closedBelow: number };

/** From the worker. A number is the `seq` of the last durable record: the batch, the probe or the blanks went in. */
export type FromWorker =
  | number
  /** `checkpointed`: how many records the newest checkpoint vouches for. */
  | { readonly type: 'ready'; readonly seq: number; readonly unknown: number; readonly checkpointed: number }
  | ({ readonly type: 'checkpoint' } & MadeCheckpoint)
  | { readonly type: 'no-checkpoint'; readonly problem: string }
  | { readonly type: 'unopened'; readonly problem: string }
  /** To `empty-log`. */
  | { readonly type: 'log'; readonly isEmpty: boolean }
  | { readonly type: 'failed'; readonly problem: string }
  | { readonly type: 'closed'; readonly problem?: string };
