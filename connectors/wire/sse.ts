/** Bytes to server-sent events (eventsource-parser), with a bound on one event. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface SseEvents {
  event(message: EventSourceMessage): void;
  /** One event is larger than the bound; nothing more comes. */
  overflow(): void;
  retry?(ms: number): void;
}

export interface SseReader {
  push(chunk: Buffer): void;
}

export function createSseReader(maxEventBytes: number, events: SseEvents): SseReader {
  const decoder = new TextDecoder();
  let over = false;
  const parser = createParser({
    maxBufferSize: maxEventBytes,
    onEvent: (message) => events.event(message),
    onRetry: (ms) => events.retry?.(ms),
    onError(error) {
      if (error.type !== 'max-buffer-size-exceeded') return;
      over = true;
      events.overflow();
    },
  });
  return {
    push(chunk) {
      if (!over) parser.feed(decoder.decode(chunk, { stream: true }));
    },
  };
}
