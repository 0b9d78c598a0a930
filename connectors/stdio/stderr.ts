/** A child's stderr, line by line into the log: bounded in length and in rate, so that a chatty child cannot fill a disk. */
import type { Log } from '../../core/log.ts';
import { LineReader } from '../wire/lines.ts';

const MAX_LINE_BYTES = 4_096;
const MAX_LINES_PER_WINDOW = 200;
const WINDOW_MS = 1_000;

export interface Stderr {
  push(chunk: Buffer): void;
  end(): void;
  /** The last line that had anything in it, cut short: what a person needs to see of a child that died. */
  lastLine(): string | undefined;
}

export function createStderr(log: Log): Stderr {
  let last: string | undefined;
  let windowStart = 0;
  let linesInWindow = 0;
  let dropped = 0;

  function write(text: string): void {
    const line = printable(text);
    if (line === '') return;
    last = line.slice(0, 300);
    const now = performance.now();
    if (now - windowStart >= WINDOW_MS) {
      if (dropped > 0) log.warn({ dropped }, 'stderr: lines left out, too many at once');
      [windowStart, linesInWindow, dropped] = [now, 0, 0];
    }
    if (++linesInWindow > MAX_LINES_PER_WINDOW) dropped++;
    else log.info({ stream: 'stderr' }, line);
  }

  const reader = new LineReader(MAX_LINE_BYTES, { line: write, oversized: (head) => write(`${head}… (cut)`) });
  return { push: (chunk) => reader.push(chunk), end: () => reader.end(), lastLine: () => last };
}

/** Control characters would let a child forge log lines or steer a terminal. */
// oxlint-disable-next-line no-control-regex
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
