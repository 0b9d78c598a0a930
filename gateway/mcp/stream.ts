/** One SSE response (WHATWG HTML, server-sent events): messages out, bounded in what a slow reader may pile up. */
import type { Reply } from '../http/plain/reply.ts';

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Keeps reverse proxies from holding events back (MCP 2026-07-28, basic/transports/streamable-http).
  'x-accel-buffering': 'no',
};

/** Bytes that may wait for a slow reader before messages that can be missed are dropped. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

export interface EventStream {
  readonly closed: boolean;
  /** Sends a message that must arrive. */
  send(json: string): void;
  /** Sends one that may be missed: dropped while the reader is too slow. */
  offer(json: string): void;
  /** A comment, so that nobody between takes the stream for dead. */
  beat(): void;
  end(): void;
}

export function openStream(res: Reply, headers: Readonly<Record<string, string>> = {}): EventStream {
  res.writeHead(200, { ...HEADERS, ...headers });
  res.flushHeaders();
  const tooSlow = () => res.writableLength > MAX_BACKLOG_BYTES;
  const write = (text: string) => {
    if (!res.writableEnded && !res.destroyed) res.write(text);
  };
  return {
    get closed() {
      return res.writableEnded || res.destroyed;
    },
    send: (json) => write(`event: message\ndata: ${json}\n\n`),
    offer: (json) => {
      if (!tooSlow()) write(`event: message\ndata: ${json}\n\n`);
    },
    beat: () => {
      // A reader that took nothing since the backlog filled is gone, or means harm: its memory is given back.
      if (tooSlow()) res.destroy();
      else write(': \n\n');
    },
    end: () => res.end(),
  };
}
