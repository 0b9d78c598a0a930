/**
 * Traces of one process: a tracer for as long as a configuration asks for one, over reloads that leave its settings alone.
 * The HTTP client is loaded with the first export.
 */
import type { ToolCall } from '../../core/call.ts';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { SecretSource, Settings, TraceSettings } from '../../core/settings.ts';
import { createCallSpan } from './call-span.ts';
import { createTraceIds, isWithinShare, parseTraceparent, traceparentOf } from './context.ts';
import { createExporter, type Exporter, type ExporterTimes, type ExportTarget, type ExportStats } from './exporter.ts';

/** @returns the call as it goes on: with its trace, where it is traced */
export type Tracer = (call: ToolCall) => ToolCall;

export interface TracingStatus extends ExportStats {
  readonly sample: number;
}

export interface Tracing {
  /** What calls are traced by under these settings, which are in force from now on; undefined where they are not traced. */
  take(settings: Settings, secrets: SecretSource): Tracer | undefined;
  status(): TracingStatus | undefined;
  close(withinMs: number): Promise<void>;
}

export interface TracingParts {
  readonly log: Log;
  readonly hide: (value: JsonValue) => JsonValue;
  readonly times?: ExporterTimes;
}

interface Standing {
  readonly settings: TraceSettings;
  /** The same text means that it may go on. */
  readonly meaning: string;
  readonly exporter: Exporter;
  readonly tracer: Tracer;
}

const LAST_WORDS_MS = 2000;

export function createTracing(parts: TracingParts): Tracing {
  let current: Standing | undefined;
  let secrets: SecretSource | undefined;
  return {
    take({ telemetry: { traces } }, given) {
      secrets = given;
      const meaning = traces === undefined ? '' : canonicalJson({ ...traces, headers: { ...traces.headers } });
      if (meaning === current?.meaning) return current.tracer;
      // Calls under way end under the one that they began with; what they say from here on is dropped.
      void current?.exporter.close(LAST_WORDS_MS);
      current = traces === undefined ? undefined : standing(traces, meaning);
      return current?.tracer;
    },
    status: () => (current === undefined ? undefined : { sample: current.settings.sample, ...current.exporter.stats() }),
    close: async (withinMs) => await current?.exporter.close(withinMs),
  };

  function standing(settings: TraceSettings, meaning: string): Standing {
    // The newest source: what a reference leads to may have changed with a reload that left these settings alone.
    const target = () => targetOf(settings, secrets as SecretSource);
    const exporter = createExporter({ ...parts, target });
    return { settings, meaning, exporter, tracer: createTracer(settings.sample, exporter) };
  }
}

const targetOf = ({ endpoint, headers }: TraceSettings, secrets: SecretSource): ExportTarget => ({
  url: tracesUrl(secrets.resolve(endpoint)),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, secrets.resolve(text)])),
});

/** OTLP/HTTP: the signal's path is put behind the configured address. */
const tracesUrl = (endpoint: string): string => (/\/v1\/traces\/?$/.test(endpoint) ? endpoint : `${endpoint.replace(/\/+$/, '')}/v1/traces`);

function createTracer(sample: number, exporter: Exporter): Tracer {
  const ids = createTraceIds();
  return (call) => {
    const { context } = call;
    const parent = context.traceparent === undefined ? undefined : parseTraceparent(context.traceparent);
    // Not sampled by its caller: it goes on as it came, and no span of ours is its parent.
    if (parent !== undefined && !parent.isSampled) return call;
    const traceId = parent?.traceId ?? ids.traceId();
    const spanId = ids.spanId();
    if (parent === undefined && !isWithinShare(traceId, sample)) {
      return { ...call, context: { ...context, tracestate: undefined, traceparent: traceparentOf({ traceId, spanId, isSampled: false }) } };
    }
    const tracestate = parent === undefined ? undefined : context.tracestate;
    const trace = createCallSpan({ call, traceId, spanId, parentSpanId: parent?.spanId, tracestate, newSpanId: ids.spanId, emit: exporter.add });
    return { ...call, context: { ...context, tracestate, trace, traceparent: traceparentOf({ traceId, spanId, isSampled: true }) } };
  };
}
