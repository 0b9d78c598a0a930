/**
 * `signalbox__read_result` as a tool of the catalog, with the gateway itself behind it. Whether a result may be read is
 * decided as the call that it came of would be decided now; that is the pipeline's business, and the reader's is the page.
 */
import type { ToolCall } from '../../core/call.ts';
import type { Connector } from '../../core/connector.ts';
import { own, type JsonObject } from '../../core/json.ts';
import { fingerprint, type Route } from '../../core/tool.ts';
import type { CatalogEntry, Reading } from '../catalog/catalog.ts';
import type { HeldResults } from './held.ts';
import { MAX_LENGTH, pageOf, questionOf } from './page.ts';

/** What no server may be called. */
export const OWN_SERVER = 'signalbox';
const TOOL = 'read_result';

const DEFINITION: JsonObject = {
  name: TOOL,
  title: 'Read on in a long result',
  description:
    'Reads on in the result of another tool that was too long to be shown whole. Its answer names the handle. Offsets and lengths count characters (UTF-16 units).',
  inputSchema: {
    type: 'object',
    properties: {
      handle: { type: 'string', description: 'The handle that the shortened result names.' },
      offset: { type: 'integer', minimum: 0, description: 'Where to begin; 0 is the beginning.' },
      length: { type: 'integer', minimum: 1, maximum: MAX_LENGTH, description: 'How many characters at most.' },
      path: { type: 'string', description: 'A JSON pointer into the result, such as /structuredContent/items/0; absent: its text.' },
    },
    required: ['handle'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
};

/** The call that a page is read of, as it would be made now; `undefined` where there is no such result for this caller. */
export function readingOf(results: HeldResults, routes: ReadonlyMap<string, Route>, call: ToolCall): Reading | undefined {
  const handle = own(call.args, 'handle');
  const held = typeof handle === 'string' ? results.find(call, handle) : undefined;
  if (held === undefined) return undefined;
  // As this caller sees it now: a tool that is gone, or another by now, has no results.
  for (const route of routes.values()) {
    if (route.ref === held.ref) return route.fingerprint === held.fingerprint ? { route, args: held.args, call: held.call } : undefined;
  }
  return undefined;
}

export function createReadEntry(results: HeldResults): CatalogEntry {
  return {
    ref: `${OWN_SERVER}/${TOOL}`,
    server: OWN_SERVER,
    tool: TOOL,
    fingerprint: fingerprint(DEFINITION),
    definition: DEFINITION,
    connector: createReader(results),
    paramHeaders: [],
    reads: (routes, call) => readingOf(results, routes, call),
  };
}

const nothing = (): void => {};

function createReader(results: HeldResults): Connector {
  const done = Promise.resolve();
  return {
    id: OWN_SERVER,
    start: nothing,
    settled: done,
    tools: () => [],
    listTtlMs: () => undefined,
    confirmedAt: () => Infinity,
    refresh: () => done,
    onChange: () => nothing,
    invoke({ args }) {
      const handle = own(args, 'handle');
      const held = typeof handle === 'string' ? results.byHandle(handle) : undefined;
      const question = questionOf(args);
      const result = held === undefined ? toolError(NO_RESULT) : typeof question === 'string' ? toolError(question) : pageOf(held, question);
      return Promise.resolve({ type: 'result', result, bytes: Buffer.byteLength(JSON.stringify(result)) });
    },
    status: () => ({ id: OWN_SERVER, state: 'ready', transport: 'stdio', breaker: 'closed', toolCount: 1, inFlight: 0, queued: 0 }),
    close: () => done,
  };
}

/** The same for what never was, is over, or is somebody else's. */
export const NO_RESULT = 'There is no result with this handle. Results are kept for ten minutes, and are their caller\'s only.';

const toolError = (text: string): JsonObject => ({ content: [{ type: 'text', text }], isError: true });
