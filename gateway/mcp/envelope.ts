/**
 * Which era a request belongs to, and whether its headers say what its body says. Decided once, at the edge, and from
 * there on a value. MCP 2026-07-28, basic/versioning and basic/transports/streamable-http, "Server Validation".
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../../core/errors.ts';
import { isJsonObject, own, type JsonObject } from '../../core/json.ts';
import { argumentAt, decodeHeaderValue, headerText, NAMED_METHODS, type ParamHeader } from '../../core/param-headers.ts';
import { claimsModernEra, isLegacyVersion, isModernVersion, LEGACY_VERSIONS, META, MODERN_VERSIONS } from './protocol.ts';

export interface Envelope {
  readonly protocolVersion: string;
  readonly clientInfo: JsonObject | undefined;
  readonly clientCapabilities: JsonObject | undefined;
}

export type Classified =
  | { readonly era: 'legacy' }
  | ({ readonly era: 'modern' } & Envelope)
  | { readonly era: 'rejected'; readonly code: ErrorCode; readonly message: string; readonly data?: object };

const SUPPORTED = [...MODERN_VERSIONS, ...LEGACY_VERSIONS];
const reject = (code: ErrorCode, message: string, data?: object): Classified => ({
  era: 'rejected',
  code,
  message,
  ...(data === undefined ? {} : { data }),
});

/** The body decides the era; the header may only agree. */
export function classify(method: string, params: JsonObject, headers: IncomingHttpHeaders, isRequest: boolean): Classified {
  const header = one(headers['mcp-protocol-version']);
  const meta = own(params, '_meta');
  const claim = isJsonObject(meta) ? own(meta, META.version) : undefined;
  if (claim === undefined) {
    if (header === undefined || isLegacyVersion(header)) return { era: 'legacy' };
    // The header wins over nothing: a notification of the new era carries no claim of its own.
    if (!isRequest && isModernVersion(header)) {
      return { era: 'modern', protocolVersion: header, clientInfo: undefined, clientCapabilities: undefined };
    }
    if (isModernVersion(header)) return reject('invalid_params', `Expected "_meta" to hold "${META.version}".`);
    return unsupported(header);
  }
  if (typeof claim !== 'string') return reject('invalid_params', `Expected "${META.version}" to be a string.`);
  if (!claimsModernEra(claim) && isLegacyVersion(claim)) return { era: 'legacy' };
  if (isRequest && header === undefined) return reject('header_mismatch', 'The MCP-Protocol-Version header is missing.');
  if (header !== undefined && header !== claim) {
    return reject('header_mismatch', 'The MCP-Protocol-Version header and the body name different versions.');
  }
  if (!isModernVersion(claim)) return unsupported(claim);
  return isRequest ? checkModernRequest(method, params, meta as JsonObject, headers, claim) : modernEnvelope(meta as JsonObject, claim);
}

const unsupported = (requested: string): Classified =>
  reject('unsupported_version', `Unsupported protocol version: ${requested.slice(0, 40)}.`, { supported: SUPPORTED, requested: requested.slice(0, 40) });

function checkModernRequest(
  method: string,
  params: JsonObject,
  meta: JsonObject,
  headers: IncomingHttpHeaders,
  version: string,
): Classified {
  const methodHeader = one(headers['mcp-method']);
  if (methodHeader !== method) {
    return reject('header_mismatch', `The Mcp-Method header ${methodHeader === undefined ? 'is missing' : 'does not match the body'}.`);
  }
  const named = NAMED_METHODS.get(method);
  if (named !== undefined) {
    const header = one(headers['mcp-name']);
    if (header === undefined) return reject('header_mismatch', 'The Mcp-Name header is missing.');
    if (decodeHeaderValue(header) !== own(params, named)) {
      return reject('header_mismatch', `The Mcp-Name header does not match "${named}" in the body.`);
    }
  }
  if (!isJsonObject(own(meta, META.clientCapabilities))) {
    return reject('invalid_params', `Expected "_meta" to hold the object "${META.clientCapabilities}".`);
  }
  return modernEnvelope(meta, version);
}

function modernEnvelope(meta: JsonObject, protocolVersion: string): Classified {
  const info = own(meta, META.clientInfo);
  const capabilities = own(meta, META.clientCapabilities);
  return {
    era: 'modern',
    protocolVersion,
    clientInfo: isJsonObject(info) ? info : undefined,
    clientCapabilities: isJsonObject(capabilities) ? capabilities : undefined,
  };
}

/**
 * `Mcp-Param-*` against the arguments of a tool that asks for them.
 * @returns what does not match, in words; undefined where all is well
 */
export function checkParamHeaders(
  declared: readonly ParamHeader[],
  args: JsonObject,
  headers: IncomingHttpHeaders,
): string | undefined {
  for (const { header, path } of declared) {
    const value = argumentAt(args, path);
    const written = one(headers[header]);
    if (value === undefined) {
      if (written !== undefined) return `The header ${header} names an argument that the body does not have.`;
      continue;
    }
    const expected = headerText(value);
    if (expected === undefined) continue;
    if (written === undefined) return `The header ${header} is missing.`;
    const decoded = decodeHeaderValue(written);
    const same = typeof value === 'number' ? decoded !== undefined && decoded.trim() !== '' && Number(decoded) === value : decoded === expected;
    if (!same) return `The header ${header} does not match the body.`;
  }
  return undefined;
}

export const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join(', ') : value);
