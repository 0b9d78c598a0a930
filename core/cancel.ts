/**
 * Cancellation for the call path: what AbortSignal does, at a tenth of its cost, and with the reason as text.
 */
export interface Cancellation {
  readonly cancelled: boolean;
  readonly reason: string | undefined;
  /** Runs `listener` once on cancellation, at once if it already happened. Returns a function that takes it back. */
  onCancel(listener: (reason: string) => void): () => void;
}

export class CancelSource implements Cancellation {
  #listeners: Set<(reason: string) => void> | undefined;
  reason: string | undefined;

  get cancelled(): boolean {
    return this.reason !== undefined;
  }

  cancel(reason: string): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
  }

  onCancel(listener: (reason: string) => void): () => void {
    if (this.reason !== undefined) {
      listener(this.reason);
      return () => {};
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}
