/**
 * Cancellation for the call path: what AbortSignal does, at a tenth of its cost, and with the reason as text.
 */
export interface Cancellation {
  readonly cancelled: boolean;
  readonly reason: string | undefined;
  /** Runs `listener` once on cancellation, at once if it already happened. Returns a function that takes it back. */
  onCancel(listener: (reason: string) => void): () => void;
}

type Listener = (reason: string) => void;

const NOTHING = (): void => {};

export class CancelSource implements Cancellation {
  /** Nearly always the only one. */
  #first: Listener | undefined;
  #others: Set<Listener> | undefined;
  reason: string | undefined;

  get cancelled(): boolean {
    return this.reason !== undefined;
  }

  cancel(reason: string): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    const first = this.#first;
    const others = this.#others;
    this.#first = undefined;
    this.#others = undefined;
    first?.(reason);
    if (others !== undefined) for (const listener of others) listener(reason);
  }

  onCancel(listener: Listener): () => void {
    if (this.reason !== undefined) {
      listener(this.reason);
      return NOTHING;
    }
    if (this.#first === undefined) {
      this.#first = listener;
      return () => {
        if (this.#first === listener) this.#first = undefined;
      };
    }
    const others = (this.#others ??= new Set());
    others.add(listener);
    return () => others.delete(listener);
  }
}
