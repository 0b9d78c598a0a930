/**
 * The 2026 era: no handshake; version, identity and capabilities ride in the `_meta` of every request, and over HTTP
 * the headers repeat the body (MCP 2026-07-28, basic/index, _meta; basic/transports/streamable-http, Request Metadata).
 */
import type { JsonObject } from '../../core/json.ts';
import { encodeHeaderValue } from '../../core/param-headers.ts';
import { fieldLines, traceLines } from '../http/headers.ts';
import { CALL_START, createCallWords } from './call-words.ts';
import { requestText } from '../wire/jsonrpc.ts';
import type { Dialect, Written } from './dialect.ts';

export const MODERN_VERSIONS: readonly string[] = ['2026-07-28'];

const PREFIX = 'io.modelcontextprotocol/';
export const SERVER_INFO = `${PREFIX}serverInfo`;
export const SUBSCRIPTION_ID = `${PREFIX}subscriptionId`;

export interface ModernOptions {
  readonly version: string;
  readonly clientInfo: JsonObject;
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
  readonly overHttp: boolean;
}

export function modernDialect(options: ModernOptions): Dialect {
  const { version, clientInfo, overHttp } = options;
  const identity = `"${PREFIX}protocolVersion":${JSON.stringify(version)},"${PREFIX}clientInfo":${JSON.stringify(clientInfo)}`;
  const plainMeta = `{${identity},"${PREFIX}clientCapabilities":{}}`;
  const plainEnd = `,"_meta":${plainMeta}}}`;
  const callFields = overHttp ? fieldLines(['mcp-protocol-version', version, 'mcp-method', 'tools/call']) : '';
  const wordsFor = createCallWords((tool) => (overHttp ? callFields + fieldLines(['mcp-name', encodeHeaderValue(tool)]) : ''));

  return {
    era: 'modern',
    version,
    serverInfo: options.serverInfo,
    capabilities: options.capabilities,
    write: (id, method, params) => modernRequest(id, method, params, options),
    writeCall(id, { tool, args, meta, traceparent, tracestate, onProgress, clientCapabilities }, paramHeaders) {
      const words = wordsFor(tool);
      let end = plainEnd;
      if (meta !== undefined || traceparent !== undefined || onProgress !== undefined || clientCapabilities !== undefined) {
        const rest: JsonObject = { ...meta, [`${PREFIX}clientCapabilities`]: clientCapabilities ?? {} };
        // Ours to say, whatever a client put there.
        delete rest[`${PREFIX}protocolVersion`];
        delete rest[`${PREFIX}clientInfo`];
        delete rest['progressToken'];
        if (traceparent !== undefined) rest['traceparent'] = traceparent;
        if (tracestate !== undefined) rest['tracestate'] = tracestate;
        if (onProgress !== undefined) rest['progressToken'] = id;
        end = `,"_meta":{${identity},${JSON.stringify(rest).slice(1)}}}`;
      }
      const text = CALL_START + id + words.params + JSON.stringify(args) + end;
      if (!overHttp) return { text };
      const fields = paramHeaders.length === 0 ? words.fields : words.fields + fieldLines(paramHeaders);
      return { text, fields: traceparent === undefined ? fields : fields + traceLines(traceparent, tracestate) };
    },
  };
}

/** Also what a probe looks like, before any dialect is agreed on. */
export function modernRequest(
  id: number,
  method: string,
  params: JsonObject,
  { version, clientInfo, overHttp }: Pick<ModernOptions, 'version' | 'clientInfo' | 'overHttp'>,
): Written {
  const meta: JsonObject = { [`${PREFIX}protocolVersion`]: version, [`${PREFIX}clientInfo`]: clientInfo, [`${PREFIX}clientCapabilities`]: {} };
  const text = requestText(id, method, { ...params, _meta: meta });
  return overHttp ? { text, fields: fieldLines(['mcp-protocol-version', version, 'mcp-method', method]) } : { text };
}
