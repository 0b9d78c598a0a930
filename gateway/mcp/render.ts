/** Outcomes and errors as JSON-RPC text, for each era. The only place where the call path's words become MCP's. */
import type { Outcome } from '../../core/outcome.ts';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { isJsonObject, own, type JsonObject } from '../../core/json.ts';
import { INPUT_KEY, type Held } from './ask/held.ts';
import { META, SERVER_INFO, type Era, type RequestId } from './protocol.ts';

export const errorText = (id: RequestId | null, code: number, message: string, data?: object): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) })}}`;

/** An error of the table, with its hint in the message. */
export const tableError = (id: RequestId | null, code: ErrorCode, message: string, data?: object): string =>
  errorText(id, ERRORS[code].rpc, `${message} ${ERRORS[code].hint}`, data);

export const resultText = (id: RequestId, result: object): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;

export const notificationText = (method: string, params?: object): string =>
  JSON.stringify(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params });

/** The answer to tools/call. A refusal is a tool error that the model may read; an unknown tool is a protocol error. */
export function outcomeText(id: RequestId, era: Era, callId: string, outcome: Outcome): string {
  switch (outcome.type) {
    case 'completed':
      return resultText(id, completedResult(outcome.result, era));
    case 'refused':
      if (outcome.code === 'unknown_tool') return errorText(id, ERRORS.unknown_tool.rpc, outcome.message);
      return resultText(
        id,
        toolError(era, callId, outcome.code, outcome.message, { retryAfterMs: outcome.retryAfterMs, rule: outcome.decision?.rule }),
      );
    case 'waiting':
      return resultText(
        id,
        toolError(era, callId, 'approval_required', outcome.message, { approval: outcome.approvalId, rule: outcome.decision.rule }),
      );
    case 'failed':
      if (outcome.upstreamError !== undefined) return upstreamErrorText(id, outcome.upstreamError, outcome.message);
      return resultText(
        id,
        toolError(era, callId, outcome.code, outcome.message, { retryAfterMs: outcome.retryAfterMs, executed: outcome.executed }),
      );
  }
}

/** The answer to a call that a person decides. */
export function heldText(id: RequestId, era: Era, held: Held): string {
  switch (held.type) {
    case 'ended':
      return outcomeText(id, era, held.callId, held.outcome);
    case 'input-required':
      return resultText(id, {
        ...modernEnvelope,
        resultType: 'input_required',
        inputRequests: { [INPUT_KEY]: { method: 'elicitation/create', params: held.form } },
        requestState: held.requestState,
      });
    case 'invalid':
      return errorText(id, ERRORS.invalid_params.rpc, held.message);
  }
}

function completedResult(result: JsonObject, era: Era): JsonObject {
  if (era === 'legacy') {
    if (!Object.hasOwn(result, 'resultType')) return result;
    const { resultType: _hop, ...rest } = result;
    return rest;
  }
  const meta = own(result, '_meta');
  return {
    resultType: 'complete',
    ...result,
    _meta: { ...(isJsonObject(meta) ? meta : {}), [META.serverInfo]: SERVER_INFO },
  };
}

/** Members of a 2026 result besides its own. */
export const modernEnvelope = { resultType: 'complete', _meta: { [META.serverInfo]: SERVER_INFO } };

function toolError(era: Era, callId: string, code: ErrorCode, message: string, details: object): object {
  const { retryable, hint } = ERRORS[code];
  const retryAfterMs = (details as { retryAfterMs?: number }).retryAfterMs;
  const wait = retryAfterMs === undefined ? '' : ` retryAfterMs: ${retryAfterMs}.`;
  const meta = { [META.error]: { code, retryable, call: callId, ...details } };
  return {
    content: [{ type: 'text', text: `${message}${wait} ${hint}` }],
    isError: true,
    ...(era === 'modern' ? { ...modernEnvelope, _meta: { ...modernEnvelope._meta, ...meta } } : { _meta: meta }),
  };
}

/**
 * An upstream's own error. Codes that the protocol reserves speak of the hop between the gateway and the upstream, so they
 * are never passed on (MCP 2026-07-28, basic/index, Error Codes).
 */
function upstreamErrorText(id: RequestId, error: { code: number; message: string; data?: unknown }, message: string): string {
  const reserved = error.code >= -32099 && error.code <= -32000;
  if (reserved || !Number.isSafeInteger(error.code)) {
    return errorText(id, ERRORS.upstream_error.rpc, message, { upstreamCode: error.code });
  }
  return errorText(id, error.code, error.message, error.data === undefined ? undefined : (error.data as object));
}
