/** Sends OTLP/HTTP requests to a collector, one after the other (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). */
import { setTimeout as wait } from 'node:timers/promises';

export interface Collector {
  /** @returns how many records it refused. @throws Error in words when it took none */
  send(body: string): Promise<number>;
}

export interface CollectorOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly firstRetryMs?: number;
}

/** "Retryable Response Codes". */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MAX_TRIES = 6;
const MAX_RETRY_MS = 30_000;
const TIMEOUT_MS = 30_000;
const MAX_SHOWN = 300;

/** A collector's address as people give it: with the path of logs, or without any. @returns undefined for what is none */
export function collectorUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/v1/logs';
  return url;
}

/** `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, values percent-encoded. */
export function collectorHeaders(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').map((pair) => pair.trim()).filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), decodeURIComponent(pair.slice(pair.indexOf('=') + 1).trim())]));
}

export function createCollector({ url, headers, firstRetryMs = 500 }: CollectorOptions): Collector {
  async function tryOnce(body: string): Promise<Response | string> {
    try {
      return await fetch(url, { method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS), headers: { ...headers, 'content-type': 'application/json' } });
    } catch (error) {
      const { message, cause } = error as Error;
      return cause instanceof Error ? cause.message : message;
    }
  }

  return {
    async send(body) {
      let problem = '';
      for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
        const answer = await tryOnce(body);
        let pauseMs = firstRetryMs * 2 ** (tries - 1);
        if (typeof answer === 'string') problem = answer;
        else {
          const text = await answer.text();
          if (answer.ok) return rejectedBy(text);
          problem = `it answered ${answer.status}: ${text.slice(0, MAX_SHOWN)}`;
          if (!RETRYABLE.has(answer.status)) break;
          const after = Number(answer.headers.get('retry-after') ?? Number.NaN);
          if (!Number.isNaN(after)) pauseMs = after * 1000;
        }
        if (tries < MAX_TRIES) await wait(Math.min(pauseMs, MAX_RETRY_MS));
      }
      throw new Error(`The collector at ${url.origin} did not take the records: ${problem}`);
    },
  };
}

/** "Partial Success". */
function rejectedBy(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedLogRecords?: unknown } };
    return Number(partialSuccess?.rejectedLogRecords ?? 0) || 0;
  } catch {
    return 0;
  }
}
