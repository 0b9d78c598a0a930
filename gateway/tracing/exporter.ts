/**
 * Sends spans to one address, in batches, as OTLP over HTTP in JSON. Never in a call's way: the queue is bounded, what
 * does not fit or is not taken is dropped and counted, and an address that does not answer is left alone for longer each time.
 * It follows no redirect, and reads no more of an answer than whether all was taken.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Agent } from 'undici';
import { isJsonObject, own, type JsonValue } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import { MissingSecret } from '../../core/settings.ts';
import { VERSION } from '../version.ts';
import { otlpAttributes, otlpSpan, type Span } from './span.ts';

export interface ExportTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ExporterParts {
  /** Resolves references at the moment of use, so that a rotated secret counts. @throws MissingSecret */
  readonly target: () => ExportTarget;
  /** Takes out what the gateway knows to be secret. */
  readonly hide: (value: JsonValue) => JsonValue;
  readonly log: Log;
  readonly times?: ExporterTimes;
}

export interface ExporterTimes {
  /** Longest that a span waits for company. */
  readonly lingerMs: number;
  readonly timeoutMs: number;
  /** After a failure; doubled with each further one, up to `longestPauseMs`. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
}

export interface ExportStats {
  readonly exported: number;
  readonly dropped: number;
  /** Why the last export failed, in words; absent where it worked. */
  readonly problem?: string;
}

export interface Exporter {
  readonly add: (span: Span) => void;
  stats(): ExportStats;
  /** Sends what is there, once, and ends. */
  close(withinMs: number): Promise<void>;
}

const MAX_QUEUED = 2048;
const BATCH = 512;
const STUCK = Symbol('stuck');
const MAX_ANSWER_BYTES = 64 * 1024;
const TIMES: ExporterTimes = { lingerMs: 500, timeoutMs: 10_000, pauseMs: 2000, longestPauseMs: 60_000 };

export function createExporter({ target, hide, log, times = TIMES }: ExporterParts): Exporter {
  const { lingerMs, timeoutMs, pauseMs, longestPauseMs } = times;
  let queue: Span[] = [];
  let exported = 0;
  let dropped = 0;
  let problem: string | undefined;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let agent: Agent | undefined;
  let isClosed = false;

  function schedule(ms: number): void {
    if (isClosed || sending !== undefined) return;
    timer ??= setTimeout(flush, ms).unref();
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (sending !== undefined || queue.length === 0) return;
    sending = sendOne(timeoutMs).finally(() => {
      sending = undefined;
      if (queue.length > 0) schedule(failures > 0 ? Math.min(pauseMs * 2 ** (failures - 1), longestPauseMs) : queue.length >= BATCH ? 0 : lingerMs);
    });
  }

  async function sendOne(withinMs: number): Promise<void> {
    const batch = queue.slice(0, BATCH);
    queue = queue.slice(BATCH);
    try {
      const rejected = Math.min(await post(batch, withinMs), batch.length);
      exported += batch.length - rejected;
      dropped += rejected;
      if (problem !== undefined) log.info({}, 'traces are exported again');
      problem = undefined;
      failures = 0;
    } catch (error) {
      dropped += batch.length;
      failures += 1;
      const why = whyFailed(error);
      if (problem === undefined) log.warn({ problem: why }, 'traces cannot be exported: spans are dropped until they can');
      problem = why;
    }
  }

  /** @returns how many the receiver did not take */
  async function post(batch: readonly Span[], withinMs: number): Promise<number> {
    const { Agent: UndiciAgent, request } = await import('undici');
    agent ??= new UndiciAgent({ connections: 1 });
    const { url, headers } = target();
    const body = JSON.stringify({ resourceSpans: [{ resource: RESOURCE, scopeSpans: [{ scope: { name: 'signalbox', version: VERSION }, spans: hide(batch.map(otlpSpan) as JsonValue) }] }] });
    const signal = AbortSignal.timeout(withinMs);
    const answer = await request(url, { method: 'POST', headers: { 'user-agent': `signalbox/${VERSION}`, ...headers, 'content-type': 'application/json' }, body, dispatcher: agent, signal });
    const { statusCode } = answer;
    if (statusCode < 200 || statusCode >= 300) {
      await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal });
      throw new NotTaken(`it answered with status ${statusCode}`);
    }
    const length = Number(answer.headers['content-length'] ?? 0);
    if (length > 0 && length <= MAX_ANSWER_BYTES) return rejectedIn(await answer.body.text());
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal });
    return 0;
  }

  return {
    add(span) {
      if (isClosed || queue.length >= MAX_QUEUED) return void (dropped += 1);
      queue.push(span);
      if (queue.length >= BATCH && failures === 0) flush();
      else schedule(lingerMs);
    },
    stats: () => ({ exported, dropped, ...(problem === undefined ? {} : { problem }) }),
    async close(withinMs) {
      isClosed = true;
      clearTimeout(timer);
      const end = Date.now() + withinMs;
      const isStuck = (await Promise.race([sending, pause(withinMs, STUCK, { ref: false })])) === STUCK;
      if (!isStuck) while (queue.length > 0 && failures === 0 && Date.now() < end) await sendOne(Math.max(1, end - Date.now()));
      dropped += queue.length;
      queue = [];
      await agent?.destroy();
    },
  };
}

const RESOURCE = { attributes: otlpAttributes({ 'service.name': 'signalbox', 'service.version': VERSION, 'process.pid': process.pid }) };

class NotTaken extends Error {}

/** Without the address: whoever reads the log may not be meant to know it. */
function whyFailed(error: unknown): string {
  if (error instanceof MissingSecret || error instanceof NotTaken) return error.message;
  const { name, code = name } = error as Error & { code?: string };
  return code === 'TimeoutError' ? 'it did not answer in time' : `it cannot be reached (${code})`;
}

/** OTLP/HTTP, "Partial Success": status 200, and a body that says how many were not taken. */
function rejectedIn(text: string): number {
  try {
    const answer = JSON.parse(text) as JsonValue;
    const partial = isJsonObject(answer) ? own(answer, 'partialSuccess') : undefined;
    const count = isJsonObject(partial) ? Number(own(partial, 'rejectedSpans') ?? 0) : 0;
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  } catch {
    return 0;
  }
}
