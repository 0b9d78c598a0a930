/**
 * The worker's life as the ledger sees it: start, messages, and the one event "gone" in whatever way it went.
 * It does not decide when to start another.
 */
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts';

export interface ScribeEvents {
  onReady(seq: number, unknown: number, checkpointed: number): void;
  onDurable(seq: number): void;
  onFailed(problem: string): void;
  onLog(isEmpty: boolean): void;
  onCheckpoint(note: string, size: number): void;
  onNoCheckpoint(problem: string): void;
  onClosed(problem: string | undefined): void;
  /** Comes last, once. `onReady` may never have come. */
  onGone(problem: string): void;
}

export interface ScribeOptions extends WorkerOptions {
  /** Whether to end what an earlier process left open. */
  readonly recover: boolean;
  /** Sees each thread as it starts. */
  readonly onThread: ((thread: Worker) => void) | undefined;
}

export interface Scribe {
  send(message: ToWorker): void;
}

/** The same file beside this one, whether this is the source or what was compiled from it. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export function startScribe({ onThread, ...workerData }: ScribeOptions, events: ScribeEvents): Scribe {
  // No flags of the main thread: they may name loaders that this file does not need.
  // Batches die young: a larger nursery would only be memory.
  const thread = new Worker(WORKER, { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 4 } });
  let problem = 'the thread that writes it stopped';
  thread.on('message', (message: FromWorker) => {
    if (typeof message === 'number') return events.onDurable(message);
    switch (message.type) {
      case 'ready':
        return events.onReady(message.seq, message.unknown, message.checkpointed);
      case 'unopened':
        problem = message.problem;
        return;
      case 'failed':
        return events.onFailed(message.problem);
      case 'log':
        return events.onLog(message.isEmpty);
      case 'checkpoint':
        return events.onCheckpoint(message.note, message.size);
      case 'no-checkpoint':
        return events.onNoCheckpoint(message.problem);
      case 'closed':
        return events.onClosed(message.problem);
      default:
        message satisfies never;
    }
  });
  thread.on('error', (error) => {
    problem = `the thread that writes it stopped: ${error.message}`;
  });
  thread.on('exit', () => events.onGone(problem));
  onThread?.(thread);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  return { send: (message) => thread.postMessage(message) };
}
