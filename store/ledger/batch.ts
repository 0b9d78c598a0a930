/** Records on their way into one commit, in the order in which they came. All who wait share one promise. No I/O. */
import type { LedgerUnavailable, WrittenRecord } from '../../core/audit.ts';

interface Answer {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: LedgerUnavailable) => void;
}

export class Batch {
  readonly #records: WrittenRecord[] = [];
  /** Beside each record: whether someone waits for it, or it only has to get there some time. */
  readonly #waited: boolean[] = [];
  #answer: Answer | undefined;
  /** How many of the records someone waits for. */
  waiting = 0;

  get size(): number {
    return this.#records.length;
  }

  get records(): readonly WrittenRecord[] {
    return this.#records;
  }

  /** One line a record; JSON text holds no raw line feed (RFC 8259, section 7). */
  get text(): string {
    return this.#records.map(({ written }) => written).join('\n');
  }

  add(record: WrittenRecord): void {
    this.#records.push(record);
    this.#waited.push(false);
  }

  /** Resolves or rejects with the whole batch. */
  addWaiting(record: WrittenRecord): Promise<void> {
    this.#records.push(record);
    this.#waited.push(true);
    this.waiting += 1;
    this.#answer ??= Promise.withResolvers<void>();
    return this.#answer.promise;
  }

  /** All of it is durable. */
  resolve(): void {
    this.#answer?.resolve();
  }

  /**
   * Refuses what is waited for, and moves the rest behind what is in `kept`. Records that were refused are handed to
   * `refused`.
   */
  reject(error: LedgerUnavailable, kept: Batch, refused: (record: WrittenRecord) => void): void {
    this.#records.forEach((record, index) => {
      if (this.#waited[index] === true) refused(record);
      else kept.add(record);
    });
    this.#answer?.reject(error);
  }

  /** Refuses those who wait while it is not known whether the batch went in; the batch stays what it is. */
  abandon(error: LedgerUnavailable): void {
    this.#answer?.reject(error);
  }
}
