/** Which calls have an intent and no end yet: how many may still bring a record, and below which seq all have ended. */
import type { LedgerEntry } from '../../core/audit.ts';

const ends = (record: LedgerEntry): boolean => record.kind === 'outcome' || record.kind === 'unknown';

export class OpenCalls {
  /** Calls whose intent was handed in and whose end was not. */
  running = 0;
  /** Durable intents without a durable end, oldest first. */
  readonly #intents = new Map<string, number>();

  handedIn(record: LedgerEntry): void {
    if (record.kind === 'intent') this.running += 1;
    else if (ends(record) && this.running > 0) this.running -= 1;
  }

  refused(record: LedgerEntry): void {
    if (record.kind === 'intent' && this.running > 0) this.running -= 1;
  }

  durable(records: readonly LedgerEntry[], firstSeq: number): void {
    let seq = firstSeq;
    for (const record of records) {
      if (record.call !== undefined) {
        if (record.kind === 'intent') this.#intents.set(record.call, seq);
        else if (ends(record)) this.#intents.delete(record.call);
      }
      seq += 1;
    }
  }

  closedBelow(lastSeq: number): number {
    for (const seq of this.#intents.values()) return seq;
    return lastSeq + 1;
  }
}
