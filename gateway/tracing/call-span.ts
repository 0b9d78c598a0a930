/**
 * The spans of one tool call: its own (SERVER), and within it each record and the call upstream (CLIENT). Names after
 * OpenTelemetry's conventions for MCP and GenAI. No argument, no result, no message of anybody is in them.
 */
import { performance } from 'node:perf_hooks';
import type { Outcome, ToolCall } from '../../core/call.ts';
import type { InvokeResult } from '../../core/connector.ts';
import type { Decision } from '../../core/decision.ts';
import { ERRORS } from '../../core/errors.ts';
import { own } from '../../core/json.ts';
import type { Route } from '../../core/tool.ts';
import type { CallTrace, UpstreamSpan } from '../../core/trace.ts';
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
        end: (result) => child(`${METHOD} ${tool}`, 'client', id, startedAt, { ...ofTool(tool), 'signalbox.server': server, ...upstreamError(result) }),
      };
    },
    end(outcome) {
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
        ...(outcome.type === 'refused' || outcome.type === 'waiting' ? ofDecision(outcome.decision ?? decision) : ofDecision(decision)),
        'signalbox.outcome': outcome.type,
        ...errorOf(outcome),
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

const ofDecision = (decision: Decision | undefined): Attributes => ({ 'signalbox.decision': decision?.effect, 'signalbox.rule': decision?.rule });

/** A JSON-RPC error is named by its code, an error within a result by the code of ours, or as the tool's own. */
function errorOf(outcome: Outcome): Attributes {
  switch (outcome.type) {
    case 'completed':
      return outcome.isError ? { 'error.type': 'tool_error' } : {};
    case 'waiting':
      return {};
    case 'refused':
      return outcome.code === 'unknown_tool' ? rpcError(ERRORS.unknown_tool.rpc) : { 'error.type': outcome.code };
    case 'failed':
      return outcome.upstreamError === undefined ? { 'error.type': outcome.code } : rpcError(outcome.upstreamError.code);
  }
}

function upstreamError(result: InvokeResult | undefined): Attributes {
  if (result === undefined) return { 'error.type': '_OTHER' };
  switch (result.type) {
    case 'result':
      return own(result.result, 'isError') === true ? { 'error.type': 'tool_error' } : {};
    case 'error':
      return rpcError(result.error.code);
    case 'fault':
      return { 'error.type': result.reason };
  }
}

const rpcError = (code: number): Attributes => ({ 'error.type': String(code), 'rpc.response.status_code': String(code) });
