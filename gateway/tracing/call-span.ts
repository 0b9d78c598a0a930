/**
 * The spans of one tool call: its own (SERVER), and within it each record and the call upstream (CLIENT). Names after
 * OpenTelemetry's conventions for MCP and GenAI. No argument, no result, no message of anybody is in them.
 */
import { performance } from 'node:perf_hooks';
import type { ToolCall } from '../../core/call.ts';
import type { Decision } from '../../core/decision.ts';
import type { Route } from '../../core/tool.ts';
import type { CallTrace, SpanEnd, UpstreamSpan } from '../../core/trace.ts';
import { traceparentOf } from './context.ts';
import { epochMs, type AttributeValue, type Span } from './span.ts';

type Attributes = Record<string, AttributeValue | undefined>;

export interface CallSpanParts {
  readonly call: ToolCall;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly tracestate: string | undefined;
  readonly newSpanId: () => string;
  readonly emit: (span: Span) => void;
}

const METHOD = 'tools/call';

export function createCallSpan({ call, traceId, spanId, parentSpanId, tracestate, newSpanId, emit }: CallSpanParts): CallTrace {
  let route: Route | undefined;
  let decision: Decision | undefined;

  const child = (name: string, kind: Span['kind'], id: string, startedAt: number, attributes: Attributes): void =>
    emit({ traceId, spanId: id, parentSpanId: spanId, tracestate, name, kind, startMs: epochMs(startedAt), endMs: epochMs(performance.now()), attributes, failed: attributes['error.type'] !== undefined });

  return {
    resolved: (found) => void (route = found),
    decided: (made) => void (decision = made),
    ledgerWrite(record) {
      const startedAt = performance.now();
      return (failed) => child('ledger write', 'internal', newSpanId(), startedAt, { 'signalbox.record': record, 'error.type': failed ? 'ledger_unavailable' : undefined });
    },
    upstream({ server, tool }): UpstreamSpan {
      const startedAt = performance.now();
      const id = newSpanId();
      return {
        traceparent: traceparentOf({ traceId, spanId: id, isSampled: true }),
        end: (how) => child(`${METHOD} ${tool}`, 'client', id, startedAt, { ...ofTool(tool), 'signalbox.server': server, ...errorOf(how) }),
      };
    },
    end(outcome, how) {
      const { origin, name } = call;
      // A name that leads nowhere is the caller's word, of which there is no end: it names no span.
      const attributes: Attributes = {
        ...ofTool(route === undefined ? undefined : name),
        'mcp.protocol.version': origin.protocolVersion,
        'mcp.session.id': origin.sessionId,
        'jsonrpc.request.id': origin.requestId,
        'signalbox.call.id': call.id,
        'signalbox.face': origin.face,
        'signalbox.profile': call.profile,
        'signalbox.server': route?.server,
        'signalbox.tool': route?.ref,
        'signalbox.decision': decision?.effect,
        'signalbox.rule': decision?.rule,
        'signalbox.outcome': outcome,
        ...errorOf(how),
      };
      emit({
        traceId, spanId, parentSpanId, tracestate,
        name: route === undefined ? METHOD : `${METHOD} ${name}`,
        kind: 'server',
        startMs: epochMs(call.context.arrivedAt),
        endMs: epochMs(performance.now()),
        attributes,
        failed: attributes['error.type'] !== undefined,
      });
    },
  };
}

const ofTool = (name: string | undefined): Attributes => ({ 'mcp.method.name': METHOD, 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name });

const errorOf = ({ errorType, rpcCode }: SpanEnd): Attributes => ({ 'error.type': errorType, 'rpc.response.status_code': rpcCode === undefined ? undefined : String(rpcCode) });
