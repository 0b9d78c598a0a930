/**
 * The single writer: numbers nothing and hashes nothing itself, but decides what goes into which commit, answers those
 * who wait, and keeps what must not be lost while the disk refuses. The database is the worker's (worker.ts).
 */
import { join } from 'node:path';
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { LedgerUnavailable, type LedgerEntry, type LedgerStats, type WrittenRecord } from '../../core/audit.ts';
import { Histogram } from '../../core/histogram.ts';
import type { Log } from '../../core/log.ts';
import { ensureDataDir } from '../files.ts';
import { Batch } from './batch.ts';
import type { SeqRange } from './blank.ts';
import { Chores, type Chore, type PurgeableLedger } from './chores.ts';
import { LEDGER_FILE } from './file.ts';
import { Checkpointing } from './checkpointing.ts';
import { Gathering } from './gathering.ts';
import { OpenCalls } from './open-calls.ts';
import type { ToWorker } from './messages.ts';
import type { LedgerOptions } from './options.ts';
import { startScribe, type Scribe, type ScribeOptions } from './scribe.ts';
import { unavailable, writtenOut } from './written.ts';

const DEFAULT_LAG_MS = 10;
const DEFAULT_GATHER_MS = 4;
const DEFAULT_RETRY_MS = 1000;
/** The mark that shortens the next start moves on at least this often. */
const RECORDS_PER_MARK = 2000;
/**
 * While the disk refuses, records of what was not called (refusals, failed logins) could come without end. Beyond this
 * many they are counted instead; ends of calls are always kept: no new calls begin, so those are bounded.
 */
const MAX_KEPT_WHILE_FAILING = 1000;

/**
 * Opens the ledger of a data directory and ends what an earlier process left open. The caller holds the directory's
 * lock (`lockDataDir`).
 * @throws LedgerUnavailable when it cannot be opened
 */
export async function createLedger(options: LedgerOptions): Promise<PurgeableLedger> {
  try {
    ensureDataDir(options.dataDir);
  } catch (error) {
    throw new LedgerUnavailable(`the data directory cannot be made: ${(error as Error).message}`);
  }
  const ledger = new WorkerLedger(options);
  await ledger.opened();
  return ledger;
}

type State = 'starting' | 'idle' | 'busy' | 'down' | 'closed';

class WorkerLedger implements PurgeableLedger {
  readonly #log: Log;
  readonly #lagMs: number;
  readonly #gatherMs: number;
  readonly #retryMs: number;
  readonly #scribeOptions: Omit<ScribeOptions, 'recover'>;
  readonly #calls = new OpenCalls();
  readonly #gathering = new Gathering();
  readonly #checkpointing: Checkpointing | undefined;
  /** The event loop's times at the last commit. */
  #loop: EventLoopUtilization = performance.eventLoopUtilization();

  #state: State = 'starting';
  #scribe: Scribe | undefined;
  #pending = new Batch();
  /** Sent and not answered. Outlives the worker: what became of it is read from the database. */
  #inFlight: Batch | undefined;
  readonly #chores = new Chores();
  #lastSeq = 0;
  #markedSeq = 0;
  #problem: string | undefined;
  #unrecorded = 0;

  #turnQueued = false;
  #gatherTimer: NodeJS.Timeout | undefined;
  #lagTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  /** `performance.now()` when the oldest pending record of `writeSoon` came. */
  #soonSince: number | undefined;
  /** The same of what was sent, and is not durable yet. */
  #sentSince: number | undefined;
  /** The same of what the disk refused. */
  #keptSince: number | undefined;
  #sentAt = 0;
  #written = 0;
  readonly #commits = new Histogram();

  /** Called after each answer while closing. */
  #answered: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #opened = false;
  readonly #opening = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: LedgerOptions) {
    this.#log = options.log;
    this.#lagMs = options.lagMs ?? DEFAULT_LAG_MS;
    this.#gatherMs = options.gatherMs ?? DEFAULT_GATHER_MS;
    this.#retryMs = options.retryMs ?? DEFAULT_RETRY_MS;
    if (options.checkpoints !== undefined) this.#checkpointing = new Checkpointing(options.checkpoints, () => this.#scribe?.send({ type: 'checkpoint' }));
    this.#scribeOptions = {
      path: join(options.dataDir, LEDGER_FILE),
      maxPages: options.maxPages,
      seed: options.checkpoints?.seed,
      onThread: options.onThread,
    };
    this.#start(true);
  }

  opened(): Promise<void> {
    return this.#opening.promise;
  }

  write(record: LedgerEntry): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new LedgerUnavailable('the ledger is closed'));
    let written: WrittenRecord;
    try {
      written = writtenOut(record);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const durable = this.#pending.addWaiting(written);
    this.#calls.handedIn(written);
    if (this.#state === 'busy') this.#gathering.overlapped();
    else if (this.#gatherTimer === undefined || this.#enough()) this.#queueTurn();
    return durable;
  }

  writeSoon(record: LedgerEntry): void {
    const written = writtenOut(record);
    if (this.#closing !== undefined) {
      this.#log.error({ kind: record.kind, call: record.call }, 'a record came after the ledger was closed and is lost');
      return;
    }
    if (this.#problem !== undefined && record.kind !== 'outcome' && this.#pending.size >= MAX_KEPT_WHILE_FAILING) {
      this.#unrecorded += 1;
      return;
    }
    this.#pending.add(written);
    this.#calls.handedIn(written);
    this.#soonSince ??= performance.now();
    this.#lagTimer ??= setTimeout(() => this.#lagOver(), this.#lagMs);
  }

  health(): { readonly ok: boolean; readonly problem?: string } {
    return this.#problem === undefined ? { ok: true } : { ok: false, problem: this.#problem };
  }

  stats(): LedgerStats {
    const now = performance.now();
    const oldest = Math.min(this.#soonSince ?? now, this.#sentSince ?? now, this.#keptSince ?? now);
    return { written: this.#written, commits: this.#commits, lagMs: now - oldest };
  }

  settledBelow(): number {
    return this.#calls.closedBelow(this.#lastSeq);
  }

  async blank(ranges: readonly SeqRange[]): Promise<void> {
    await this.#do({ type: 'blank', ranges });
  }

  checkpointNow(): void {
    if (this.#checkpointing !== undefined) this.#scribe?.send({ type: 'checkpoint' });
  }

  emptyLog(): Promise<boolean> {
    return this.#do({ type: 'empty-log' });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Runs once what the current turn of the event loop brings has been gathered. */
  #queueTurn(): void {
    if (this.#turnQueued) return;
    this.#turnQueued = true;
    setImmediate(() => {
      this.#turnQueued = false;
      if (this.#pending.waiting === 0 || this.#state === 'busy') return;
      if (this.#enough()) this.#flush();
      else this.#gatherTimer ??= setTimeout(() => this.#gatherOver(), this.#gatherMs);
    });
  }

  #enough(): boolean {
    const waits = this.#problem === undefined && this.#gatherMs > 0;
    return !waits || this.#gathering.enough(this.#pending.waiting, this.#calls.running);
  }

  #gatherOver(): void {
    this.#gatherTimer = undefined;
    if (this.#gathering.goOn(this.#pending.waiting)) this.#gatherTimer = setTimeout(() => this.#gatherOver(), this.#gatherMs);
    else this.#flush();
  }

  #lagOver(): void {
    this.#lagTimer = undefined;
    if (this.#soonSince === undefined) return;
    // The timer outlives the records that started it: restarting it for each would cost more than this look.
    const restMs = this.#soonSince + this.#lagMs - performance.now();
    if (restMs >= 1) this.#lagTimer = setTimeout(() => this.#lagOver(), restMs);
    else if (this.#problem === undefined) this.#flush();
  }

  #flush(): void {
    if (this.#state === 'down') this.#start(false);
    if (this.#state !== 'idle' || this.#pending.size === 0) return;
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    const batch = this.#pending;
    this.#pending = new Batch();
    this.#sentAt = performance.now();
    this.#sentSince = this.#soonSince;
    this.#soonSince = undefined;
    this.#gathering.sent();
    const loop = performance.eventLoopUtilization();
    this.#gathering.worked(performance.eventLoopUtilization(loop, this.#loop).utilization);
    this.#loop = loop;
    this.#mark();
    this.#send(batch, batch.text);
  }

  #mark(): void {
    if (this.#lastSeq - this.#markedSeq < RECORDS_PER_MARK) return;
    this.#markedSeq = this.#lastSeq;
    this.#scribe?.send({ type: 'mark', closedBelow: this.#calls.closedBelow(this.#lastSeq) });
  }

  #do(chore: Chore): Promise<boolean> {
    const problem = this.#closing === undefined ? this.#problem : 'it is closed';
    if (problem !== undefined) return Promise.reject(unavailable(problem));
    const done = this.#chores.add(chore);
    if (this.#pending.waiting === 0) this.#nextChore();
    return done;
  }

  #nextChore(): void {
    const chore = this.#state === 'idle' ? this.#chores.take() : undefined;
    if (chore !== undefined) this.#send(new Batch(), chore.type === 'blank' ? { ...chore, closedBelow: this.settledBelow() } : chore);
  }

  #send(batch: Batch, message: Exclude<ToWorker, { type: 'mark' | 'close' }>): void {
    this.#inFlight = batch;
    this.#state = 'busy';
    this.#scribe?.send(message);
  }

  #start(recover: boolean): void {
    this.#state = 'starting';
    this.#scribe = startScribe(
      { ...this.#scribeOptions, recover },
      {
        onReady: (seq, unknown, checkpointed) => {
          this.#checkpointing?.restarted(checkpointed);
          this.#ready(seq, unknown);
        },
        onDurable: (seq) => this.#durable(seq),
        onFailed: (problem) => this.#failed(problem),
        onLog: (isEmpty) => this.#durable(this.#lastSeq, isEmpty),
        onCheckpoint: (note, size) => this.#checkpointing?.made(note, size),
        onNoCheckpoint: (problem) => this.#checkpointing?.failed(problem),
        onClosed: (problem) => this.#closed(problem),
        onGone: (problem) => this.#gone(problem),
      },
    );
  }

  #ready(seq: number, unknown: number): void {
    if (unknown > 0) this.#log.warn({ unknown }, 'calls were under way when the gateway stopped; how they ended is recorded as unknown');
    const batch = this.#inFlight;
    if (batch === undefined) {
      this.#state = 'idle';
      this.#lastSeq = seq;
      this.#opened = true;
      this.#opening.resolve();
      this.#answered?.();
      this.#checkpointing?.durable(seq);
      this.#flush();
    } else if (batch.size > 0 && seq === this.#lastSeq + batch.size) {
      // The earlier worker died between commit and answer. A commit is whole, and this worker has made it durable.
      this.#durable(seq);
    } else {
      this.#failed('the thread that writes it stopped in the middle of a commit');
    }
  }

  #durable(seq: number, isDone = true): void {
    const batch = this.#inFlight ?? new Batch();
    this.#inFlight = undefined;
    this.#calls.durable(batch.records, this.#lastSeq + 1);
    if (batch.size > 0) this.#commits.observe(performance.now() - this.#sentAt);
    this.#written += batch.size;
    this.#sentSince = undefined;
    this.#keptSince = undefined;
    this.#lastSeq = seq;
    this.#state = 'idle';
    if (this.#problem !== undefined) this.#recovered();
    batch.resolve();
    this.#checkpointing?.durable(seq);
    // In turns, so that neither waits for the other for good.
    if (!this.#chores.answered(isDone)) this.#nextChore();
    this.#afterAnswer();
  }

  #failed(problem: string): void {
    const batch = this.#inFlight ?? new Batch();
    this.#inFlight = undefined;
    this.#state = 'idle';
    this.#refuse(problem, batch);
    this.#afterAnswer();
  }

  /** The worker is gone. With a batch in flight another one has to find out what became of it. */
  #gone(problem: string): void {
    if (this.#state === 'closed') return this.#ended.resolve();
    const started = this.#state !== 'starting';
    this.#scribe = undefined;
    if (!this.#opened) {
      this.#state = 'closed';
      return this.#opening.reject(new LedgerUnavailable(`the ledger cannot be opened: ${problem}`));
    }
    this.#state = 'down';
    if (started) {
      this.#log.error({ problem }, 'the ledger lost its writer thread; another one is started');
      if (this.#inFlight !== undefined) return this.#start(false);
      return this.#flush();
    }
    // Whether the batch went in is not known yet: those who wait are refused, the rest stays until it is.
    this.#inFlight?.abandon(unavailable(problem));
    this.#refuse(problem, new Batch());
    this.#afterAnswer();
  }

  /** Refuses everyone who waits, in `batch` and behind it; keeps the rest, in order, for the next try. */
  #refuse(problem: string, batch: Batch): void {
    if (this.#problem === undefined) this.#log.error({ problem }, 'the ledger cannot be written: calls are refused until it can');
    this.#problem = problem;
    const error = unavailable(problem);
    this.#chores.refuse(error);
    const kept = new Batch();
    for (const refused of [batch, this.#pending]) refused.reject(error, kept, (record) => this.#calls.refused(record));
    this.#pending = kept;
    if (kept.size > 0) this.#keptSince ??= this.#sentSince ?? this.#soonSince ?? performance.now();
    this.#sentSince = undefined;
    if (this.#closing === undefined) this.#retryTimer ??= setTimeout(() => this.#retry(), this.#retryMs);
  }

  #retry(): void {
    this.#retryTimer = undefined;
    if (this.#problem === undefined || this.#closing !== undefined) return;
    if (this.#state === 'idle' && this.#pending.size === 0) this.#send(new Batch(), { type: 'probe' });
    else this.#flush();
  }

  #recovered(): void {
    this.#problem = undefined;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#log.info({ seq: this.#lastSeq, unrecorded: this.#unrecorded }, 'the ledger can be written again');
    if (this.#unrecorded === 0) return;
    this.writeSoon({ kind: 'refused', time: Date.now(), unrecorded: this.#unrecorded, why: 'the ledger could not be written' });
    this.#unrecorded = 0;
  }

  #afterAnswer(): void {
    this.#answered?.();
    // Not at once: those who were answered in this turn often have the next record ready.
    if (this.#pending.waiting > 0) this.#queueTurn();
    else if (this.#pending.size > 0 && this.#lagTimer === undefined) this.#lagOver();
    else this.#nextChore();
  }

  async #close(): Promise<void> {
    this.#chores.refuse(unavailable('it is closed'));
    // What came in this turn, then what came while that was written; one try once the disk refuses.
    for (let tries = 2; this.#state !== 'closed' && tries > 0; ) {
      if (this.#inFlight === undefined && this.#pending.size === 0 && this.#state !== 'starting') break;
      if (this.#problem !== undefined) tries -= 1;
      const answer = new Promise<void>((resolve) => (this.#answered = resolve));
      this.#flush();
      await answer;
    }
    for (const timer of [this.#gatherTimer, this.#lagTimer, this.#retryTimer]) clearTimeout(timer);
    const lost = this.#pending.size + (this.#inFlight?.size ?? 0);
    if (lost > 0) this.#log.error({ problem: this.#problem, records: lost }, 'the ledger closed without its last records');
    this.#checkpointing?.close();
    if (this.#scribe === undefined) return;
    this.#scribe.send({ type: 'close', closedBelow: this.settledBelow() });
    this.#state = 'closed';
    await this.#ended.promise;
  }

  #closed(problem: string | undefined): void {
    if (problem !== undefined) this.#log.warn({ problem }, 'the ledger closed without its mark; the next start looks further back');
  }
}
