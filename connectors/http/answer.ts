/** What an HTTP status means when no JSON-RPC answer came with it: in words, and whether the call may have run. */
import type { Broken } from '../link.ts';

/** Refusals that by their meaning precede any execution (RFC 9110, sections 15.4 and 15.5; RFC 6585). */
const NOT_EXECUTED = new Set([301, 302, 307, 308, 401, 403, 404, 405, 406, 411, 413, 414, 415, 421, 426, 429, 431]);

export function brokenByStatus(status: number, retryAfter: string | undefined): Broken {
  const retryAfterMs = retryAfterToMs(retryAfter);
  return {
    type: 'broken',
    reason: status === 429 ? 'overloaded' : status >= 500 || NOT_EXECUTED.has(status) ? 'unavailable' : 'protocol',
    message: statusInWords(status),
    executed: NOT_EXECUTED.has(status) ? 'no' : 'maybe',
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function statusInWords(status: number): string {
  if (status >= 300 && status < 400) return `it answered with a redirect (HTTP ${status}), which is not followed; put the final address into "url"`;
  switch (status) {
    case 401:
      return 'it refused the credentials (HTTP 401); check the authorization header in its "headers"';
    case 403:
      return 'it forbids access (HTTP 403); check the credentials in its "headers", and what they may do';
    case 404:
      return 'it knows no such address (HTTP 404); check the path in its "url"';
    case 405:
      return 'it does not accept POST at this address (HTTP 405); check the path in its "url"';
    case 413:
      return 'it refused the request as too large (HTTP 413)';
    case 429:
      return 'it has had too many requests (HTTP 429)';
    default:
      return status >= 500 ? `it failed (HTTP ${status})` : `it refused the request (HTTP ${status})`;
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
export function retryAfterToMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Why no connection came about, or why one broke: known causes in words, others by their code. Never an address. */
export function connectionInWords(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nothing listens at its address (connection refused); start it, or correct its "url"';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name cannot be resolved; check the host in its "url", and DNS';
    case 'FORBIDDEN_ADDRESS':
      return 'its host is a link-local or metadata address, which is never dialled';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'it could not be reached in time; check that it runs and that no firewall is between';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return 'it closed the connection';
    case 'CERT_HAS_EXPIRED':
      return 'its TLS certificate has expired';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its TLS certificate is not trusted; add its authority with NODE_EXTRA_CA_CERTS';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its TLS certificate is for another host name';
    default:
      return `the connection failed (${error.code ?? error.name})`;
  }
}
