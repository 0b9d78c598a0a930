/** When it is time for a checkpoint: after so many records, and after so long where there is anything new. It makes none. */
export interface CheckpointOptions {
  /** Secret of the Ed25519 key (32 bytes). */
  readonly seed: Buffer;
  /** Asked each time, since a new configuration may say otherwise. */
  pace(): { readonly records: number; readonly everyMs: number };
  /** A signed note over the first `size` records is in the database. */
  onCheckpoint(note: string, size: number): void;
  /** One could not be made; it is tried again. */
  onProblem(problem: string): void;
}

/** Longer ones fire at once in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Checkpointing {
  readonly #options: CheckpointOptions;
  readonly #ask: () => void;
  #size = 0;
  #isAsked = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param ask has the writer make one, now */
  constructor(options: CheckpointOptions, ask: () => void) {
    this.#options = options;
    this.#ask = ask;
  }

  /** Records up to `seq` are durable. */
  durable(seq: number): void {
    if (seq - this.#size >= this.#options.pace().records) this.#due();
    else if (seq > this.#size) this.#timer ??= this.#later(() => this.#due());
  }

  made(note: string, size: number): void {
    this.#size = size;
    this.#rest();
    this.#options.onCheckpoint(note, size);
  }

  failed(problem: string): void {
    clearTimeout(this.#timer);
    // Not with the next commit: a disk that refuses would be tried each time.
    this.#timer = this.#later(() => {
      this.#isAsked = false;
      this.#due();
    });
    this.#options.onProblem(problem);
  }

  /** A new writer knows nothing of what the one before was asked. */
  restarted(size: number): void {
    this.#size = size;
    this.#rest();
  }

  close(): void {
    this.#rest();
    this.#isAsked = true;
  }

  #later(act: () => void): NodeJS.Timeout {
    return setTimeout(act, Math.min(this.#options.pace().everyMs, LONGEST_TIMER_MS)).unref();
  }

  #due(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    clearTimeout(this.#timer);
    this.#ask();
  }

  #rest(): void {
    this.#isAsked = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
