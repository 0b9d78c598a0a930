/**
 * The thread that owns the ledger's database, so that waiting for the disk never holds up the event loop.
 * It answers each message once and decides nothing: see ledger.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openLedgerFile, type LedgerFile } from './file.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts';
import { closeOpenIntents } from './recover.ts';
import { problemText } from './problem.ts';

interface WorkerStart extends WorkerOptions {
  /** False when a worker takes over from one that died: the calls in flight are still alive then. */
  readonly recover: boolean;
}

/** Quiet for this long counts as idle. */
const IDLE_MS = 200;

const port = parentPort;
if (port === null) throw new Error('worker.ts runs only as a worker thread');

const answer = (message: FromWorker): void => port.postMessage(message);

try {
  const { recover, ...options } = workerData as WorkerStart;
  serve(openLedgerFile(options), recover);
} catch (error) {
  answer({ type: 'unopened', problem: problemText(error) });
  port.close();
}

function serve(file: LedgerFile, recover: boolean): void {
  let unknown = 0;
  if (recover) unknown = closeOpenIntents(file, Date.now());
  else file.append([], file.closedBelow);

  let mark: number | undefined;
  const idle = setTimeout(() => file.checkpoint(true), IDLE_MS);

  const commit = (work: () => void): void => {
    try {
      work();
      answer(file.tail.seq);
    } catch (error) {
      answer({ type: 'failed', problem: problemText(error) });
      return;
    }
    // What nobody waits for: after the answer.
    file.checkpoints?.grow();
    file.checkpoint(false);
    idle.refresh();
  };

  const checkpoint = (): void => {
    try {
      const made = file.checkpoints?.make();
      if (made !== undefined) answer({ type: 'checkpoint', ...made });
    } catch (error) {
      answer({ type: 'no-checkpoint', problem: problemText(error) });
    }
  };

  const finish = (closedBelow: number): void => {
    try {
      file.append([], closedBelow);
      checkpoint();
      file.close();
      answer({ type: 'closed' });
    } catch (error) {
      answer({ type: 'closed', problem: problemText(error) });
    }
    clearTimeout(idle);
    port?.close();
  };

  port?.on('message', (message: ToWorker) => {
    if (typeof message === 'string') {
      commit(() => {
        file.append(message.split('\n'), mark);
        mark = undefined;
      });
    } else if (message.type === 'mark') mark = message.closedBelow;
    else if (message.type === 'checkpoint') checkpoint();
    else if (message.type === 'probe') commit(() => file.probe());
    else if (message.type === 'blank') commit(() => file.blank(message.ranges, message.closedBelow));
    else if (message.type === 'empty-log') answer({ type: 'log', isEmpty: file.emptyLog() });
    else finish(message.closedBelow);
  });
  answer({ type: 'ready', seq: file.tail.seq, unknown, checkpointed: file.checkpoints?.size ?? 0 });
}
