/**
 * The one table of errors: what each code means on every face and what the reader can do about it.
 * `docs/errors.md` mirrors it. Codes of our own lie outside -32768..-32000 (MCP 2026-07-28, basic/index, Error Codes).
 */
export type ErrorCode =
  | 'parse_error'
  | 'invalid_request'
  | 'method_not_found'
  | 'invalid_params'
  | 'unknown_tool'
  | 'unauthenticated'
  | 'forbidden_host'
  | 'unknown_profile'
  | 'unknown_session'
  | 'body_too_large'
  | 'header_mismatch'
  | 'unsupported_version'
  | 'denied'
  | 'approval_required'
  | 'rate_limited'
  | 'budget_exhausted'
  | 'invalid_arguments'
  | 'busy'
  | 'ledger_unavailable'
  | 'upstream_unavailable'
  | 'upstream_timeout'
  | 'upstream_lost'
  | 'upstream_error'
  | 'result_too_large'
  | 'result_blocked'
  | 'cancelled'
  | 'shutting_down'
  | 'internal';

export interface ErrorInfo {
  /** JSON-RPC code. */
  readonly rpc: number;
  readonly http: number;
  readonly retryable: boolean;
  /** What the person who reads it can do. */
  readonly hint: string;
}

export const ERRORS: Readonly<Record<ErrorCode, ErrorInfo>> = {
  parse_error: { rpc: -32700, http: 400, retryable: false, hint: 'Send one valid JSON-RPC 2.0 message as UTF-8 JSON.' },
  invalid_request: { rpc: -32600, http: 400, retryable: false, hint: 'Send a JSON-RPC 2.0 message within the bounds that the message names.' },
  method_not_found: { rpc: -32601, http: 404, retryable: false, hint: 'Use a method that this server lists among its capabilities.' },
  invalid_params: { rpc: -32602, http: 400, retryable: false, hint: 'Correct the parameters that the message names.' },
  unknown_tool: { rpc: -32602, http: 400, retryable: false, hint: 'List the tools again and use one of their names.' },
  unauthenticated: { rpc: 1401, http: 401, retryable: false, hint: 'Send a valid key: "Authorization: Bearer KEY". Keys are made with "signalbox keys create".' },
  forbidden_host: { rpc: 1403, http: 403, retryable: false, hint: 'Use the host name that the gateway listens on, or add the origin to listen.allowedOrigins.' },
  unknown_profile: { rpc: 1404, http: 404, retryable: false, hint: 'Use /mcp, or /mcp/PROFILE with a profile that is configured and open to this caller.' },
  unknown_session: { rpc: 1404, http: 404, retryable: true, hint: 'Start a new session with "initialize".' },
  body_too_large: { rpc: 1413, http: 413, retryable: false, hint: 'Send a smaller body, or raise listen.maxBodyBytes.' },
  header_mismatch: { rpc: -32020, http: 400, retryable: false, hint: 'Send headers that repeat the body: MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Param-*.' },
  unsupported_version: { rpc: -32022, http: 400, retryable: false, hint: 'Use one of the versions in data.supported.' },
  denied: { rpc: 1001, http: 403, retryable: false, hint: 'Ask the operator; "signalbox explain" shows which rule decided.' },
  approval_required: { rpc: 1002, http: 403, retryable: true, hint: 'Wait until a person has approved the call, then send it again.' },
  rate_limited: { rpc: 1003, http: 429, retryable: true, hint: 'Try again after retryAfterMs.' },
  budget_exhausted: { rpc: 1015, http: 429, retryable: true, hint: 'Try again after retryAfterMs, when the next period begins, or ask the operator.' },
  invalid_arguments: { rpc: 1016, http: 400, retryable: false, hint: 'Nothing was called. Send arguments that fit the inputSchema of the tool.' },
  busy: { rpc: 1004, http: 503, retryable: true, hint: 'The tool server has too many calls under way; try again shortly.' },
  ledger_unavailable: { rpc: 1005, http: 503, retryable: true, hint: 'Nothing was called, since it could not be recorded. The operator finds the cause with "signalbox status".' },
  upstream_unavailable: { rpc: 1006, http: 503, retryable: true, hint: 'The tool server is down; "signalbox status" says why. It is tried again by itself.' },
  upstream_timeout: { rpc: 1007, http: 504, retryable: false, hint: 'The call may have been executed. Raise timeoutMs of the server if it needs longer.' },
  upstream_lost: { rpc: 1008, http: 502, retryable: false, hint: 'The connection broke while the answer was awaited; the call may have been executed.' },
  upstream_error: { rpc: 1009, http: 502, retryable: false, hint: 'The tool server answered with something that is no valid answer.' },
  result_too_large: { rpc: 1010, http: 502, retryable: false, hint: 'Ask for less, or raise maxResponseBytes of the server. The call was executed.' },
  result_blocked: { rpc: 1017, http: 502, retryable: false, hint: 'The call was executed, and its result is held back. Do not repeat it; ask the operator.' },
  cancelled: { rpc: 1011, http: 499, retryable: false, hint: 'The call was cancelled; it may have been executed.' },
  shutting_down: { rpc: 1012, http: 503, retryable: true, hint: 'The gateway is stopping; connect again.' },
  internal: { rpc: -32603, http: 500, retryable: false, hint: 'Something went wrong inside the gateway; its log has the id.' },
};
