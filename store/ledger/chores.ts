/** Work for the writer's thread that is no record, in order: taking text out, emptying the log. It goes between commits. No I/O. */
import type { Ledger, LedgerUnavailable } from '../../core/audit.ts';
import type { SeqRange } from './blank.ts';

/** A ledger that can be purged: for who keeps to retention. */
export interface PurgeableLedger extends Ledger {
  /** Every call with an intent below this seq has ended: nothing at or above it is purged. */
  settledBelow(): number;
  /**
   * Takes the text out of records, durably; their hashes stay. Goes between commits, so a few records at a time. What
   * may not go (the last record, what is not settled) stays.
   * @throws LedgerUnavailable when it cannot be written, or is closed
   */
  blank(ranges: readonly SeqRange[]): Promise<void>;
  /** Empties the write-ahead log, where old text may stand still. False while a reader holds on to it. @throws as `blank` */
  emptyLog(): Promise<boolean>;
  /** Signs a checkpoint over what is durable by now, before any chore that comes after. */
  checkpointNow(): void;
}

export type Chore = { readonly type: 'blank'; readonly ranges: readonly SeqRange[] } | { readonly type: 'empty-log' };

interface Asked {
  readonly chore: Chore;
  readonly answer: PromiseWithResolvers<boolean>;
}

export class Chores {
  readonly #waiting: Asked[] = [];
  #sent: Asked | undefined;

  add(chore: Chore): Promise<boolean> {
    const answer = Promise.withResolvers<boolean>();
    this.#waiting.push({ chore, answer });
    return answer.promise;
  }

  /** The next, which is to be sent. */
  take(): Chore | undefined {
    this.#sent = this.#waiting.shift();
    return this.#sent?.chore;
  }

  /** Whether it was a chore that has been answered. */
  answered(isDone: boolean): boolean {
    const asked = this.#sent;
    this.#sent = undefined;
    asked?.answer.resolve(isDone);
    return asked !== undefined;
  }

  /** Refuses all of them. */
  refuse(error: LedgerUnavailable): void {
    const sent = this.#sent === undefined ? [] : [this.#sent];
    this.#sent = undefined;
    for (const { answer } of [...sent, ...this.#waiting.splice(0)]) answer.reject(error);
  }
}
