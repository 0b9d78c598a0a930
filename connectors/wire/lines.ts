/**
 * Bytes to lines, with a bound on what is kept: of a line that is too long only the two ends survive, so that the
 * request which it answered can still be named.
 */
export interface LineEvents {
  /** `bytes` is the line's length without its line break. */
  line(text: string, bytes: number): void;
  oversized(head: string, tail: string, bytes: number): void;
}

const END_BYTES = 1_024;
const LINE_FEED = 0x0a;

export class LineReader {
  readonly #maxBytes: number;
  readonly #events: LineEvents;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Set while a line runs past the bound: its first bytes, and its last so far. */
  #head: Buffer | undefined;
  #tail: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number, events: LineEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let from = this.#bytes === 0 && chunk.length <= this.#maxBytes ? this.#wholeLines(chunk) : 0;
    for (let at = chunk.indexOf(LINE_FEED, from); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      if (this.#bytes === 0 && at - from <= this.#maxBytes) this.#events.line(chunk.toString('utf8', from, at), at - from);
      else {
        this.#keep(chunk.subarray(from, at));
        this.#finish();
      }
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** All whole lines of a chunk from one decoding, where they are ASCII, so that bytes count as characters. Returns where they end. */
  #wholeLines(chunk: Buffer): number {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) return 0;
    const text = chunk.toString('utf8', 0, end);
    if (text.length !== end) return 0;
    for (let from = 0; from < end; ) {
      const at = text.indexOf('\n', from);
      this.#events.line(text.slice(from, at), at - from);
      from = at + 1;
    }
    return end;
  }

  /** Hands over a last line that has no line break. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#head !== undefined) {
      this.#tail = Buffer.concat([this.#tail, part.subarray(-END_BYTES)]).subarray(-END_BYTES);
      return;
    }
    this.#parts.push(part);
    if (this.#bytes <= this.#maxBytes) return;
    // Copies, so that a few kilobytes do not hold the chunks that they were cut from.
    const whole = Buffer.concat(this.#parts);
    this.#head = Buffer.from(whole.subarray(0, END_BYTES));
    this.#tail = Buffer.from(whole.subarray(-END_BYTES));
    this.#parts = [];
  }

  #finish(): void {
    const bytes = this.#bytes;
    const parts = this.#parts;
    const head = this.#head;
    this.#bytes = 0;
    this.#parts = [];
    this.#head = undefined;
    if (head !== undefined) {
      this.#events.oversized(head.toString('utf8'), this.#tail.toString('utf8'), bytes);
      this.#tail = Buffer.alloc(0);
      return;
    }
    const whole = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    this.#events.line(whole.toString('utf8'), bytes);
  }
}
