/** Spans as data, and as OTLP writes them in JSON (opentelemetry-proto, trace/v1; ids in hex, times as decimal strings). */
import { performance } from 'node:perf_hooks';

export type AttributeValue = string | number | boolean;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly tracestate: string | undefined;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  /** Epoch milliseconds, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** Its own `error.type` says which. */
  readonly failed: boolean;
}

const KINDS = { internal: 1, server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** The low byte is that of the trace; bits 8 and 9 say that the parent's being remote is not told. */
const FLAGS_SAMPLED = 1;
const MAX_TEXT = 256;

/** Of `performance.now()`, by the clock as it is now: a clock that was set since does not move the span apart from its children by more than that. */
export const epochMs = (atMs: number): number => Date.now() - (performance.now() - atMs);

const nanos = (ms: number): string => `${Math.round(ms * 1000)}000`;

export const otlpSpan = (span: Span): object => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
  ...(span.tracestate === undefined ? {} : { traceState: span.tracestate }),
  flags: FLAGS_SAMPLED,
  name: span.name.slice(0, MAX_TEXT),
  kind: KINDS[span.kind],
  startTimeUnixNano: nanos(span.startMs),
  endTimeUnixNano: nanos(span.endMs),
  attributes: otlpAttributes(span.attributes),
  status: span.failed ? { code: STATUS_ERROR } : {},
});

export const otlpAttributes = (attributes: Readonly<Record<string, AttributeValue | undefined>>): object[] =>
  Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: otlpValue(value) }]));

function otlpValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value.slice(0, MAX_TEXT) };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
