/**
 * What each era's methods do. The eras differ by what their table holds, not by conditions inside the methods.
 */
import { performance } from 'node:perf_hooks';
import { CancelSource } from '../../core/cancel.ts';
import type { ToolCall } from '../../core/call.ts';
import type { Progress } from '../../core/progress.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Box } from '../box.ts';
import type { View } from '../catalog/view.ts';
import type { CallTool } from '../pipeline.ts';
import { checkedTracestate, parseTraceparent } from '../tracing/index.ts';
import { one } from './envelope.ts';
import type { Exchange } from './exchange.ts';
import { errorText, heldText, modernEnvelope, notificationText, outcomeText, resultText, tableError } from './render.ts';
import { HOP_PREFIX, MODERN_VERSIONS, type RequestId } from './protocol.ts';
import type { Method, RequestContext } from './method.ts';
import type { Holding } from './ask/holding.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface MethodParts {
  readonly callTool: CallTool;
  readonly holding: Holding;
  readonly subscriptions: Subscriptions;
  readonly newCallId: () => string;
}

export interface Methods {
  readonly legacy: ReadonlyMap<string, Method>;
  readonly modern: ReadonlyMap<string, Method>;
}

/** How long a client may keep a list for which no upstream gave a time; changes are announced besides. */
const DEFAULT_LIST_TTL_MS = 10_000;

export function createMethods(parts: MethodParts): Methods {
  const ping: Method = ({ id }, { exchange }) => exchange.answer(resultText(id, {}));

  const discover: Method = ({ id }, { exchange }) =>
    exchange.answer(
      resultText(id, {
        ...modernEnvelope,
        supportedVersions: MODERN_VERSIONS,
        capabilities: { tools: { listChanged: true } },
        ttlMs: 3_600_000,
        cacheScope: 'public',
      }),
    );

  const callTool: Method = async ({ id, params }, context) => {
    const { exchange, session, era } = context;
    const name = own(params, 'name');
    const args = own(params, 'arguments') ?? {};
    if (typeof name !== 'string') return exchange.answer(tableError(id, 'invalid_params', 'Expected "name" to be a string.'));
    if (!isJsonObject(args)) return exchange.answer(tableError(id, 'invalid_params', 'Expected "arguments" to be an object.'));
    if (session?.inFlight.has(id) === true) {
      return exchange.answer(tableError(id, 'invalid_request', `A request with id ${JSON.stringify(id)} is still under way.`), 400);
    }
    const cancellation = new CancelSource();
    session?.inFlight.set(id, cancellation);
    // In a 2025 session a broken connection is no cancellation (2025-11-25, basic/transports); elsewhere it is the only one.
    if (session === undefined) exchange.onGone(() => cancellation.cancel('The client went away.'));
    // MCP 2026-07-28, basic/patterns/mrtr: the request comes again, and brings what it was sent away for.
    if (era === 'modern' && own(params, 'requestState') !== undefined) {
      const held = await parts.holding.takeUp(params, name, args, context);
      if (held !== undefined) return exchange.answer(heldText(id, era, held));
      if (cancellation.cancelled) return exchange.drop();
    }
    const call = toolCall(parts.newCallId(), name, args, id, params, context, cancellation);
    const outcome = await parts.callTool(context.box, call);
    const held = outcome.type === 'waiting' ? await parts.holding.hold(call, outcome, context) : undefined;
    session?.inFlight.delete(id);
    if (cancellation.cancelled) exchange.drop();
    else exchange.answer(held === undefined ? outcomeText(id, era, call.id, outcome) : heldText(id, era, held));
  };

  const legacy = new Map<string, Method>([
    ['ping', ping],
    ['tools/list', listTools],
    ['tools/call', callTool],
  ]);
  const modern = new Map<string, Method>([
    ['server/discover', discover],
    ['tools/list', listTools],
    ['tools/call', callTool],
    ['subscriptions/listen', parts.subscriptions.listen],
  ]);
  return { legacy, modern };
}

const listTools: Method = async ({ id, params }, context) => {
  const { box, exchange, era } = context;
  if (!box.isSettled()) await box.settled;
  const cursor = own(params, 'cursor');
  if (cursor !== undefined && typeof cursor !== 'string') {
    return exchange.answer(tableError(id, 'invalid_params', 'Expected "cursor" to be a string.'));
  }
  const view = box.view(context.principal, context.profile);
  const page = view?.page(cursor);
  if (view === undefined || page === undefined) {
    return exchange.answer(tableError(id, 'invalid_params', 'This cursor is not one of this server.'));
  }
  const next = page.nextCursor === undefined ? '' : `,"nextCursor":${JSON.stringify(page.nextCursor)}`;
  const tail = era === 'modern' ? `,${JSON.stringify({ ...modernEnvelope, ...cacheHints(box, view, context) }).slice(1, -1)}` : '';
  exchange.answer([`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":`, page.tools, `${next}${tail}}}`]);
};

/** `private` as soon as the list might be another one for another caller (MCP 2026-07-28, server/utilities/caching). */
const cacheHints = (box: Box, view: View, context: RequestContext): object => ({
  ttlMs: view.ttlMs ?? DEFAULT_LIST_TTL_MS,
  cacheScope: view.filtered || box.settings.callers.length > 0 || context.profile !== undefined ? 'private' : 'public',
});

function toolCall(
  callId: string,
  name: string,
  args: JsonObject,
  id: RequestId,
  params: JsonObject,
  context: RequestContext,
  cancellation: CancelSource,
): ToolCall {
  const { session, exchange } = context;
  const meta = own(params, '_meta');
  const token = isJsonObject(meta) ? own(meta, 'progressToken') : undefined;
  const trace = traceOf(meta, context);
  return {
    id: callId,
    principal: context.principal,
    profile: context.profile,
    name,
    args,
    origin: { face: context.face, protocolVersion: context.protocolVersion, sessionId: session?.id, requestId: String(id) },
    context: {
      cancellation,
      arrivedAt: performance.now(),
      onProgress: token === undefined ? undefined : progressSender(exchange, token),
      meta: isJsonObject(meta) ? withoutHopKeys(meta) : undefined,
      traceparent: trace.traceparent,
      tracestate: trace.tracestate,
      clientCapabilities: context.clientCapabilities,
      clientInfo: context.clientInfo,
    },
  };
}

function progressSender(exchange: Exchange, progressToken: JsonValue): ((progress: Progress) => void) {
  return (progress) => exchange.notify(notificationText('notifications/progress', { progressToken, ...progress }));
}

/** The client's `_meta` without what belongs to the hop between it and the gateway; undefined when nothing is left. */
function withoutHopKeys(meta: JsonObject): JsonObject | undefined {
  let kept: JsonObject | undefined;
  for (const key of Object.keys(meta)) {
    if (key === 'progressToken' || key === 'traceparent' || key === 'tracestate' || key.startsWith(HOP_PREFIX)) continue;
    // defineProperty semantics: a key named __proto__ stays a key.
    kept ??= Object.create(null) as JsonObject;
    kept[key] = meta[key] as JsonValue;
  }
  return kept;
}

interface Trace {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

const NO_TRACE: Trace = {};

/**
 * `_meta` before headers: it is the message's own (MCP 2026-07-28, basic/index, OpenTelemetry trace context). Without a
 * valid traceparent its tracestate means nothing (W3C Trace Context, section 4.3).
 */
function traceOf(meta: JsonValue | undefined, { traceparent: header, headers }: RequestContext): Trace {
  const within = isJsonObject(meta) ? own(meta, 'traceparent') : undefined;
  const traceparent = within ?? header;
  if (typeof traceparent !== 'string' || parseTraceparent(traceparent) === undefined) return NO_TRACE;
  const state = within === undefined ? one(headers['tracestate']) : own(meta as JsonObject, 'tracestate');
  const tracestate = typeof state === 'string' ? checkedTracestate(state) : undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

export const methodNotFound = (id: RequestId, method: string): string =>
  errorText(id, -32601, `Method not found: ${method.slice(0, 100)}`);
