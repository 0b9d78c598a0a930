/**
 * `subscriptions/listen`: keeps one stream open that tells of changed tools, and opens it again when it breaks
 * (MCP 2026-07-28, basic/patterns/subscriptions). The notifications themselves arrive through the link.
 */
import type { Connection } from './connection.ts';
import type { Outgoing } from './link.ts';
import { createBackoff } from './resilience/backoff.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_EVENT_BYTES = 1024 * 1024;
/** A stream that held this long was a good one: the next pause is short again. */
const STEADY_MS = 30_000;

/** `reopened`: called when the stream is opened anew, since what changed meanwhile was not told. */
export function listenForChanges(connection: Connection, reopened: () => void): () => void {
  const pauses = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  let outgoing: Outgoing | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function open(): void {
    const { link, dialect } = connection;
    const id = connection.nextId();
    const openedAt = performance.now();
    outgoing = {
      id,
      method: 'subscriptions/listen',
      ...dialect.write(id, 'subscriptions/listen', { notifications: { toolsListChanged: true } }),
      maxBytes: MAX_EVENT_BYTES,
      settle(answer) {
        outgoing = undefined;
        // An error is a refusal, and asking again would not change it. A result is a graceful end.
        if (stopped || answer.type === 'error') return;
        if (performance.now() - openedAt > STEADY_MS) pauses.reset();
        timer = setTimeout(() => {
          open();
          reopened();
        }, pauses.next());
      },
    };
    link.send(outgoing);
  }

  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    if (outgoing !== undefined) connection.link.abandon(outgoing);
  };
}
