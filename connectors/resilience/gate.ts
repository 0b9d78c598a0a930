/** Places for calls in flight, and a bounded queue, first come first served, before them. */
export interface Gate {
  readonly inUse: number;
  readonly queued: number;
  /**
   * `entered`: the place is taken. `full`: neither a place nor a seat in the queue. `queued`: `enter` is called later,
   * unless `withdraw` comes before.
   */
  take(visitor: Visitor): 'entered' | 'full' | 'queued';
  withdraw(visitor: Visitor): void;
  leave(): void;
}

export interface Visitor {
  enter(): void;
}

export function createGate(places: number, seats: number): Gate {
  let inUse = 0;
  // A Set keeps the order of arrival and takes out of the middle at no cost.
  const queue = new Set<Visitor>();
  return {
    get inUse() {
      return inUse;
    },
    get queued() {
      return queue.size;
    },
    take(visitor) {
      if (inUse < places) {
        inUse++;
        return 'entered';
      }
      if (queue.size >= seats) return 'full';
      queue.add(visitor);
      return 'queued';
    },
    withdraw(visitor) {
      queue.delete(visitor);
    },
    leave() {
      if (queue.size === 0) return void inUse--;
      for (const next of queue) {
        queue.delete(next);
        next.enter(); // The place passes on; `inUse` stays.
        return;
      }
    },
  };
}
