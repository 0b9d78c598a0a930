/**
 * When a commit is worth its fdatasync. At once while there is time to spare: then waiting would only be waiting. With
 * the event loop busy and many calls under way it waits for nearly all of them, because one commit for sixteen calls
 * costs hardly more than one for a single call, and what it saves goes to the calls. No I/O, no timers.
 */
/** Share of the time in which the event loop works, from which on commits are saved. */
const BUSY = 0.2;
/** How much the latest look at the event loop counts. */
const NEWEST = 0.25;
/** Of the calls that ran at once one or the other ends for good. */
const NEARLY_ALL = 0.9;

export class Gathering {
  /** How many writes waiting for is worth while, learnt from what came. */
  #worthwhile = 1;
  #overlapped = false;
  #busy = 0;
  #seen = 0;
  /** Most calls at once since the last commit, and before it: who has just been answered comes again. */
  #most = 0;
  #mostBefore = 0;

  /** A write came while a commit was in flight: calls do run side by side. */
  overlapped(): void {
    this.#overlapped = true;
  }

  /** @param share of the time since the last commit in which the event loop worked */
  worked(share: number): void {
    this.#busy += (share - this.#busy) * NEWEST;
  }

  /** Whether `waiting` writes should go now, when `running` calls may bring a record. */
  enough(waiting: number, running: number): boolean {
    this.#most = Math.max(this.#most, running);
    const most = Math.max(this.#most, this.#mostBefore);
    if (this.#overlapped) {
      this.#overlapped = false;
      this.#worthwhile = Math.min(Math.max(waiting, this.#worthwhile) * 2, most);
    }
    return this.#busy < BUSY || waiting >= Math.min(this.#worthwhile, most * NEARLY_ALL);
  }

  /** The wait ran out with `waiting`. Whether to wait once more, since they keep coming. */
  goOn(waiting: number): boolean {
    const came = waiting - this.#seen;
    this.#seen = waiting;
    if (came >= Math.max(2, this.#worthwhile / 16)) return true;
    // The other calls are slow ones, so do not wait for them again.
    this.#worthwhile = Math.max(1, waiting);
    return false;
  }

  /** What was gathered goes. */
  sent(): void {
    this.#seen = 0;
    this.#mostBefore = this.#most;
    this.#most = 0;
  }
}
