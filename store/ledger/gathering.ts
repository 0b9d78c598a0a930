/**
 * When a commit is worth its fdatasync: at once while one call runs alone; with many under way a commit waits for up to
 * half of them, because one that carries eight calls costs hardly more than one that carries one. No I/O, no timers.
 */
export class Gathering {
  /** How many writes waiting for is worth while, learnt from what came. */
  #worthwhile = 1;
  #overlapped = false;

  /** A write came while a commit was in flight: calls do run side by side. */
  overlapped(): void {
    this.#overlapped = true;
  }

  /** Whether `waiting` writes should go now, when `running` calls may bring a record. */
  enough(waiting: number, running: number): boolean {
    if (this.#overlapped) {
      this.#overlapped = false;
      this.#worthwhile = Math.max(waiting, this.#worthwhile) * 2;
    }
    this.#worthwhile = Math.min(this.#worthwhile, Math.max(1, running / 2));
    return waiting >= this.#worthwhile;
  }

  /** The wait ran out with only so many: the other calls are slow ones, so do not wait for them again. */
  ranOut(waiting: number): void {
    this.#worthwhile = Math.max(1, waiting);
  }
}
