/**
 * Deadlines of many calls on one timer: setting and clearing one for each call costs more than all else that is done
 * for it here. Late by no more than a few milliseconds.
 */
export interface Timed {
  /** `performance.now()`; never earlier than `shortestMs` after it was added, or last changed. */
  readonly dueAt: number;
  /** Its time is over. It may take itself out. */
  expire(): void;
}

export interface Deadlines<T extends Timed> extends Iterable<T> {
  readonly size: number;
  add(timed: T): void;
  delete(timed: T): void;
  /** Nothing expires any more. */
  stop(): void;
}

/** So that deadlines close together cost one look at all of them. */
const LEAST_PAUSE_MS = 10;

export function createDeadlines<T extends Timed>(shortestMs: number): Deadlines<T> {
  const all = new Set<T>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function look(): void {
    timer = undefined;
    const now = performance.now();
    // Whatever is added or changed from here on is due no sooner than this.
    let next = now + shortestMs;
    for (const timed of all) {
      if (timed.dueAt - 1 <= now) timed.expire(); // Timers may come a millisecond early.
      else if (timed.dueAt < next) next = timed.dueAt;
    }
    clearTimeout(timer); // Where one was added meanwhile.
    timer = undefined;
    if (all.size > 0) wait(Math.max(next - now, LEAST_PAUSE_MS));
  }

  function wait(ms: number): void {
    if (!stopped) timer = setTimeout(look, ms).unref();
  }

  return {
    get size() {
      return all.size;
    },
    add(timed) {
      all.add(timed);
      if (timer === undefined) wait(shortestMs);
    },
    delete: (timed) => void all.delete(timed),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    [Symbol.iterator]: () => all[Symbol.iterator](),
  };
}
