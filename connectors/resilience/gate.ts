/** Places for calls in flight, and a bounded queue, first come first served, before them. */
export interface Gate {
  readonly inUse: number;
  readonly queued: number;
  /**
   * `entered`: the place is taken. `full`: neither a place nor a seat in the queue. Else `enter` is called later, unless
   * the returned function takes it out of the queue before (true where it was still in it).
   */
  take(enter: () => void): 'entered' | 'full' | (() => boolean);
  leave(): void;
}

export function createGate(places: number, seats: number): Gate {
  let inUse = 0;
  // A Set keeps the order of arrival and takes out of the middle at no cost.
  const queue = new Set<{ readonly enter: () => void }>();
  return {
    get inUse() {
      return inUse;
    },
    get queued() {
      return queue.size;
    },
    take(enter) {
      if (inUse < places) {
        inUse++;
        return 'entered';
      }
      if (queue.size >= seats) return 'full';
      const seat = { enter };
      queue.add(seat);
      return () => queue.delete(seat);
    },
    leave() {
      for (const next of queue) {
        queue.delete(next);
        next.enter(); // The place passes on; `inUse` stays.
        return;
      }
      inUse--;
    },
  };
}
