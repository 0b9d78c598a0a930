/**
 * What one line of the client is, parsed just far enough to carry it: the gateway gets the line's own bytes and judges
 * them. Nothing here is a check that the gateway could rely on.
 */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import { encodeHeaderValue, NAMED_METHODS } from '../../core/param-headers.ts';
import { isRequestId } from '../mcp/message.ts';
import { isLegacyVersion, META, type Era, type RequestId } from '../mcp/protocol.ts';

export type Incoming =
  | { readonly type: 'malformed' }
  /** One request, or a batch of several; `ids` are those that an answer is owed to. */
  | ({ readonly type: 'request'; readonly ids: readonly RequestId[] } & Line)
  | ({ readonly type: 'notification'; readonly params: JsonObject | undefined } & Line)
  /** The client's answer to a request of the server (2025). */
  | ({ readonly type: 'response' } & Line);

interface Line {
  readonly body: Buffer;
  readonly method: string;
  readonly era: Era;
  /** What HTTP wants repeated from the body; names and values in turn. */
  readonly headers: readonly string[];
}

export function readIncoming(body: Buffer): Incoming {
  let value: JsonValue;
  try {
    value = JSON.parse(body.toString('utf8')) as JsonValue;
  } catch {
    return { type: 'malformed' };
  }
  if (Array.isArray(value)) {
    return { type: 'request', ids: value.flatMap((item) => (isJsonObject(item) && own(item, 'method') !== undefined ? idOf(item) : [])), ...legacyLine(body, '') };
  }
  if (!isJsonObject(value)) return { type: 'request', ids: [], ...legacyLine(body, '') };
  const method = own(value, 'method');
  if (typeof method !== 'string') {
    const answers = own(value, 'result') !== undefined || own(value, 'error') !== undefined;
    return answers ? { type: 'response', ...legacyLine(body, '') } : { type: 'request', ids: idOf(value), ...legacyLine(body, '') };
  }
  const params = own(value, 'params');
  const known = isJsonObject(params) ? params : undefined;
  const line = { body, method, ...envelope(method, known) };
  return Object.hasOwn(value, 'id') ? { type: 'request', ids: idOf(value), ...line } : { type: 'notification', params: known, ...line };
}

const legacyLine = (body: Buffer, method: string): Line => ({ body, method, era: 'legacy', headers: [] });

function idOf(message: JsonObject): RequestId[] {
  const id = own(message, 'id');
  return isRequestId(id) ? [id] : [];
}

/** The body decides the era (MCP 2026-07-28, basic/versioning): a request of the new one names its version in `_meta`. */
function envelope(method: string, params: JsonObject | undefined): Pick<Line, 'era' | 'headers'> {
  const meta = own(params, '_meta');
  const version = isJsonObject(meta) ? own(meta, META.version) : undefined;
  if (typeof version !== 'string' || isLegacyVersion(version)) return { era: 'legacy', headers: [] };
  const headers = ['mcp-protocol-version', encodeHeaderValue(version), 'mcp-method', encodeHeaderValue(method)];
  const named = NAMED_METHODS.get(method);
  const name = named === undefined ? undefined : own(params, named);
  if (typeof name === 'string') headers.push('mcp-name', encodeHeaderValue(name));
  return { era: 'modern', headers };
}
