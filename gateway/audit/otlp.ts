/** Entries as OpenTelemetry log records, in OTLP's JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"). */
import { own, type JsonObject } from '../../core/json.ts';
import type { SearchEntry } from '../../store/index.ts';
import { VERSION } from '../version.ts';

/** OpenTelemetry, Logs Data Model, SeverityNumber. */
const SEVERITY = { INFO: 9, WARN: 13, ERROR: 17 } as const;
const TRACE_ID = /^(?!0{32}$)[0-9a-f]{32}$/;

type Attribute = readonly [key: string, value: unknown];

export function otlpRecord(entry: SearchEntry, body: JsonObject | undefined): object {
  const severity = severityOf(entry);
  const what = entry.tool ?? entry.name;
  const nanoseconds = `${BigInt(Math.trunc(entry.time)) * 1_000_000n}`;
  const attributes: Attribute[] = [
    ['signalbox.seq', entry.seq], ['signalbox.end_seq', entry.end], ['signalbox.kind', entry.kind], ['signalbox.call', entry.call],
    ['enduser.id', entry.caller], ['signalbox.tenant', entry.tenant], ['gen_ai.tool.name', what], ['mcp.session.id', entry.session],
    ['mcp.method.name', entry.call === undefined ? undefined : 'tools/call'],
    ['signalbox.decision', entry.decision], ['signalbox.rule', entry.rule], ['signalbox.outcome', entry.outcome], ['error.type', entry.code],
    ['signalbox.is_error', entry.isError], ['signalbox.duration_ms', entry.durationMs], ['signalbox.approval', entry.approval],
    ['signalbox.face', own(body, 'face')], ['signalbox.profile', own(body, 'profile')], ['signalbox.fingerprint', own(body, 'fingerprint')],
    ['signalbox.arguments', body?.['args'] === undefined ? undefined : JSON.stringify(body['args'])],
  ];
  return {
    timeUnixNano: nanoseconds,
    observedTimeUnixNano: nanoseconds,
    severityNumber: SEVERITY[severity],
    severityText: severity,
    eventName: `signalbox.${entry.call === undefined ? entry.kind : 'call'}`,
    body: { stringValue: what === undefined ? entry.kind : `${entry.caller ?? 'somebody'} ${what} ${entry.outcome ?? entry.kind}${entry.code === undefined ? '' : ` ${entry.code}`}` },
    attributes: attributes.flatMap(([key, value]) => (value === undefined || value === null ? [] : [{ key, value: anyValue(value) }])),
    ...(entry.trace !== undefined && TRACE_ID.test(entry.trace) ? { traceId: entry.trace } : {}),
  };
}

/** One request to a collector, or one line of a file. */
export const otlpLogs = (records: readonly object[]): string =>
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'signalbox' } }, { key: 'service.version', value: { stringValue: VERSION } }] },
        scopeLogs: [{ scope: { name: 'signalbox.ledger', version: VERSION }, logRecords: records }],
      },
    ],
  });

function severityOf({ outcome, isError, decision }: SearchEntry): keyof typeof SEVERITY {
  if (outcome === 'failed' || outcome === 'unknown') return 'ERROR';
  return outcome === 'refused' || outcome === 'waiting' || decision === 'deny' || isError === true ? 'WARN' : 'INFO';
}

/** 64-bit integers are texts in the JSON of Protocol Buffers. */
function anyValue(value: unknown): object {
  switch (typeof value) {
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return { stringValue: String(value) };
  }
}
