/** How calls end, as spans say it: a JSON-RPC error by its code, an error within a result by the code of ours, or as the tool's own. */
import type { Outcome } from '../../core/outcome.ts';
import type { InvokeResult } from '../../core/connector.ts';
import { ERRORS } from '../../core/errors.ts';
import { own } from '../../core/json.ts';
import type { SpanEnd } from '../../core/trace.ts';

const WELL: SpanEnd = {};
const TOOL_ERROR: SpanEnd = { errorType: 'tool_error' };

export function endOfCall(outcome: Outcome): SpanEnd {
  switch (outcome.type) {
    case 'completed':
      return outcome.isError ? TOOL_ERROR : WELL;
    case 'waiting':
      return WELL;
    case 'refused':
      return outcome.code === 'unknown_tool' ? rpcError(ERRORS.unknown_tool.rpc) : { errorType: outcome.code };
    case 'failed':
      return outcome.upstreamError === undefined ? { errorType: outcome.code } : rpcError(outcome.upstreamError.code);
  }
}

export function endOfInvocation(result: InvokeResult): SpanEnd {
  switch (result.type) {
    case 'result':
      return own(result.result, 'isError') === true ? TOOL_ERROR : WELL;
    case 'error':
      return rpcError(result.error.code);
    case 'fault':
      return { errorType: result.reason };
  }
}

const rpcError = (code: number): SpanEnd => ({ errorType: String(code), rpcCode: code });
