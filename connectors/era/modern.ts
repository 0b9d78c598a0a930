/**
 * The 2026 era: no handshake; version, identity and capabilities ride in the `_meta` of every request, and over HTTP
 * the headers repeat the body (MCP 2026-07-28, basic/index, _meta; basic/transports/streamable-http, Request Metadata).
 */
import type { JsonObject } from '../../core/json.ts';
import { encodeValue } from '../http/headers.ts';
import { requestText } from '../wire/jsonrpc.ts';
import type { Dialect } from './dialect.ts';

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
  const callHeaders = ['mcp-protocol-version', version, 'mcp-method', 'tools/call', 'mcp-name'];

  return {
    era: 'modern',
    version,
    serverInfo: options.serverInfo,
    capabilities: options.capabilities,
    write: (id, method, params) => modernRequest(id, method, params, options),
    writeCall(id, { tool, args, meta, traceparent, onProgress, clientCapabilities }, paramHeaders) {
      let metaText = plainMeta;
      if (meta !== undefined || traceparent !== undefined || onProgress !== undefined || clientCapabilities !== undefined) {
        const rest: JsonObject = { ...meta, [`${PREFIX}clientCapabilities`]: clientCapabilities ?? {} };
        // Ours to say, whatever a client put there.
        delete rest[`${PREFIX}protocolVersion`];
        delete rest[`${PREFIX}clientInfo`];
        delete rest['progressToken'];
        if (traceparent !== undefined) rest['traceparent'] = traceparent;
        if (onProgress !== undefined) rest['progressToken'] = id;
        metaText = `{${identity},${JSON.stringify(rest).slice(1)}`;
      }
      const text = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":${JSON.stringify(args)},"_meta":${metaText}}}`;
      return overHttp ? { text, headers: [...callHeaders, encodeValue(tool), ...paramHeaders] } : { text };
    },
  };
}

/** Also what a probe looks like, before any dialect is agreed on. */
export function modernRequest(
  id: number,
  method: string,
  params: JsonObject,
  { version, clientInfo, overHttp }: Pick<ModernOptions, 'version' | 'clientInfo' | 'overHttp'>,
): { text: string; headers?: readonly string[] } {
  const meta: JsonObject = { [`${PREFIX}protocolVersion`]: version, [`${PREFIX}clientInfo`]: clientInfo, [`${PREFIX}clientCapabilities`]: {} };
  const text = requestText(id, method, { ...params, _meta: meta });
  return overHttp ? { text, headers: ['mcp-protocol-version', version, 'mcp-method', method] } : { text };
}
