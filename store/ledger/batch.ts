/** Records on their way into one commit, in the order in which they came. No I/O. */
import type { LedgerEntry, LedgerUnavailable } from '../../core/audit.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: LedgerUnavailable) => void;
}

/** Was waited for, and has been answered. */
const NOBODY: Waiter = { resolve() {}, reject() {} };

export class Batch {
  readonly #records: LedgerEntry[] = [];
  readonly #texts: string[] = [];
  /** Beside each record: who waits for it; `undefined` where it only has to get there some time. */
  readonly #waiters: (Waiter | undefined)[] = [];
  /** How many of the records someone waits for. */
  waiting = 0;

  get size(): number {
    return this.#records.length;
  }

  get records(): readonly LedgerEntry[] {
    return this.#records;
  }

  /** One line a record; JSON text holds no raw line feed (RFC 8259, section 7). */
  get text(): string {
    return this.#texts.join('\n');
  }

  add(record: LedgerEntry, text: string, waiter?: Waiter): void {
    this.#records.push(record);
    this.#texts.push(text);
    this.#waiters.push(waiter);
    if (waiter !== undefined) this.waiting += 1;
  }

  /** All of it is durable. */
  resolve(): void {
    for (const waiter of this.#waiters) waiter?.resolve();
  }

  /**
   * Refuses what is waited for, and returns a batch of what is kept for the next try. Records that were refused are
   * handed to `refused`.
   */
  reject(error: LedgerUnavailable, refused: (record: LedgerEntry) => void): Batch {
    const kept = new Batch();
    this.#records.forEach((record, index) => {
      const waiter = this.#waiters[index];
      if (waiter === undefined) kept.add(record, this.#texts[index] ?? '');
      else {
        refused(record);
        waiter.reject(error);
      }
    });
    return kept;
  }

  /** Refuses what is waited for while it is not known whether the batch went in; the batch stays what it is. */
  abandon(error: LedgerUnavailable): void {
    this.#waiters.forEach((waiter, index) => {
      waiter?.reject(error);
      if (waiter !== undefined) this.#waiters[index] = NOBODY;
    });
  }

  /** Puts the records of a later batch behind these. */
  append(later: Batch): void {
    later.#records.forEach((record, index) => this.add(record, later.#texts[index] ?? '', later.#waiters[index]));
  }
}
