/**
 * The 2025 era: a session opened by `initialize` (MCP 2025-11-25, basic/lifecycle). The gateway declares no client
 * capabilities: it offers no roots, no sampling and no elicitation of its own.
 */
import type { JsonObject } from '../../core/json.ts';
import { traceLines } from '../http/headers.ts';
import { CALL_START, createCallWords } from './call-words.ts';
import { requestText } from '../wire/jsonrpc.ts';
import type { Dialect } from './dialect.ts';

export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

export const initializeText = (id: number, clientInfo: JsonObject): string =>
  requestText(id, 'initialize', { protocolVersion: LEGACY_VERSIONS[0] as string, capabilities: {}, clientInfo });

export interface LegacyOptions {
  readonly version: string;
  readonly serverInfo: JsonObject | undefined;
  readonly capabilities: JsonObject;
}

export function legacyDialect(options: LegacyOptions): Dialect {
  const wordsFor = createCallWords(() => '');
  return {
    era: 'legacy',
    ...options,
    write: (id, method, params) => ({ text: requestText(id, method, params) }),
    writeCall(id, { tool, args, meta, traceparent, tracestate, onProgress }) {
      const head = CALL_START + id + wordsFor(tool).params + JSON.stringify(args);
      if (meta === undefined && traceparent === undefined && onProgress === undefined) return { text: head + '}}' };
      const all: JsonObject = { ...meta };
      delete all['progressToken'];
      if (traceparent !== undefined) all['traceparent'] = traceparent;
      if (tracestate !== undefined) all['tracestate'] = tracestate;
      if (onProgress !== undefined) all['progressToken'] = id;
      const text = `${head},"_meta":${JSON.stringify(all)}}}`;
      return traceparent === undefined ? { text } : { text, fields: traceLines(traceparent, tracestate) };
    },
  };
}
