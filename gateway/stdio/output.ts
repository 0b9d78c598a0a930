/**
 * stdout as a sequence of MCP messages, one a line, and as the pace of everything that is read from the gateway: while
 * the client does not take its messages, no more are fetched for it.
 */
import type { Writable } from 'node:stream';

export interface Pace {
  readonly isFull: boolean;
  /** Calls `listener` once, when there is room again. */
  whenDrained(listener: () => void): void;
}

export interface Output extends Pace {
  /** One message; what comes after the client has gone is dropped. */
  write(message: string | Buffer): void;
  /** Bytes that the client has not taken yet. */
  readonly backlogBytes: number;
  /** Settles when everything has been handed over, or nobody is there to take it. */
  flush(): Promise<void>;
}

const LINE_FEED = Buffer.from('\n');
const LINE_FEEDS = /\r?\n|\r/g;

/** @param onBroken called once, when nobody reads any more */
export function createOutput(stream: Writable, onBroken: (error: Error) => void): Output {
  let broken = false;
  let waiting: (() => void)[] = [];
  const release = (): void => {
    const listeners = waiting;
    waiting = [];
    for (const listener of listeners) listener();
  };
  stream.on('drain', release);
  stream.once('error', (error) => {
    broken = true;
    release();
    onBroken(error);
  });
  // A second fault must not become an uncaught one.
  stream.on('error', () => {});

  return {
    get isFull() {
      return !broken && stream.writableNeedDrain;
    },
    get backlogBytes() {
      return stream.writableLength;
    },
    whenDrained: (listener) => void waiting.push(listener),
    write(message) {
      if (broken) return;
      if (typeof message === 'string') stream.write(`${onOneLine(message)}\n`);
      else if (message.includes(LINE_FEED)) stream.write(`${onOneLine(message.toString('utf8'))}\n`);
      else stream.write(Buffer.concat([message, LINE_FEED]));
    },
    flush: () =>
      new Promise((resolve) => {
        if (broken) resolve();
        else stream.write('', () => resolve());
      }),
  };
}

/** In JSON a line break can only stand between tokens, where a space means the same. */
const onOneLine = (json: string): string => (json.includes('\n') ? json.replace(LINE_FEEDS, ' ') : json);
