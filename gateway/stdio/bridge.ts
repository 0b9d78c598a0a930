/**
 * MCP on two streams, carried to and from the gateway: lines in, HTTP there and back, lines out. It decides nothing about
 * a message; who may do what is the gateway's to say.
 */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { tooLong } from './answers.ts';
import type { Gateways } from './gateways.ts';
import { readIncoming } from './incoming.ts';
import { createLineReader } from './lines.ts';
import { createOutput, type Output } from './output.ts';
import type { Route } from './route.ts';
import { LegacySession } from './session.ts';
import { createTraffic } from './traffic.ts';

export interface BridgeOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly gateways: Gateways;
  readonly route: Route;
  readonly maxLineBytes: number;
}

export interface Bridge {
  /** Settles when the client has ended its side, or does not listen any more. */
  readonly clientGone: Promise<'ended' | 'broken'>;
  /** Requests that have been answered, in whatever way. */
  readonly answered: number;
  /** Lets what is under way end, within `graceMs`; then ends the session and lets go of the gateway. */
  close(graceMs: number): Promise<void>;
}

/** Of answers that the client does not take; beyond it nothing more is read from it. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
const END_SESSION_WITHIN_MS = 500;
const FLUSH_WITHIN_MS = 1000;

export function createBridge({ input, output: stream, gateways, route, maxLineBytes }: BridgeOptions): Bridge {
  const { promise: clientGone, resolve: gone } = Promise.withResolvers<'ended' | 'broken'>();
  const output = createOutput(stream, () => gone('broken'));
  const session = new LegacySession(route, gateways, output);
  const traffic = createTraffic({ route, gateways, session, output });
  const lines = createLineReader(maxLineBytes, {
    line: (bytes) => traffic.take(readIncoming(bytes)),
    tooLong: (id) => output.write(tooLong(id, maxLineBytes)),
  });
  readFrom(input, output, lines.push);
  input.once('end', () => {
    lines.end();
    gone('ended');
  });
  input.once('error', () => gone('ended'));

  return {
    clientGone,
    get answered() {
      return traffic.answered;
    },
    async close(graceMs) {
      input.removeAllListeners('data').pause();
      if (graceMs > 0) await within(graceMs, traffic.owed());
      await session.close(END_SESSION_WITHIN_MS);
      gateways.close();
      await within(FLUSH_WITHIN_MS, output.flush());
    },
  };
}

/** At the pace at which the client takes its answers. */
function readFrom(input: Readable, output: Output, push: (chunk: Buffer) => void): void {
  input.on('data', (chunk: Buffer) => {
    push(chunk);
    if (output.backlogBytes < MAX_BACKLOG_BYTES) return;
    input.pause();
    output.whenDrained(() => input.resume());
  });
}

const within = (ms: number, work: Promise<unknown>): Promise<unknown> => Promise.race([work, delay(ms)]);
