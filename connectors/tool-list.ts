/**
 * `tools/list`, all pages of it: bounded, with malformed tools left out one by one. It compares nothing with what was
 * listed before.
 */
import { ask } from './ask.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import type { UpstreamTool } from '../core/tool.ts';
import { paramHeaders, type ParamHeader } from '../core/param-headers.ts';
import type { Dialect } from './era/dialect.ts';
import type { Broken, Link } from './link.ts';

export interface ToolList {
  readonly tools: readonly UpstreamTool[];
  /** `performance.now()` before the first page was asked for: what it shows was true at that time or later. */
  readonly askedAt: number;
  /** Smallest of all pages; `undefined` where none says. */
  readonly ttlMs: number | undefined;
  /** Arguments to repeat as headers, by tool. */
  readonly paramHeaders: ReadonlyMap<string, readonly ParamHeader[]>;
}

export interface ListOptions {
  readonly link: Link;
  readonly dialect: Dialect;
  readonly nextId: () => number;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly log: Log;
}

export class ListFailed extends Error {
  override readonly name = 'ListFailed';
  readonly broken: Broken | undefined;
  constructor(message: string, broken?: Broken) {
    super(message);
    this.broken = broken;
  }
}

const MAX_PAGES = 200;
const MAX_TOOLS = 10_000;
const MAX_NAME_CHARACTERS = 256;

/** @throws ListFailed */
export async function listTools(options: ListOptions): Promise<ToolList> {
  const askedAt = performance.now();
  const until = askedAt + options.timeoutMs;
  const collected = collector(options, askedAt);
  const cursors = new Set<string>();
  let bytesLeft = options.maxBytes;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params: JsonObject = cursor === undefined ? {} : { cursor };
    const answer = await ask(options.link, options.nextId, {
      method: 'tools/list',
      timeoutMs: Math.max(1, until - performance.now()),
      maxBytes: bytesLeft,
      write: (id) => options.dialect.write(id, 'tools/list', params),
    });
    if (answer.type === 'broken') throw new ListFailed(`its tools could not be listed: ${answer.message}`, answer);
    if (answer.type === 'error') {
      // A server without tools need not know the method.
      if (own(options.dialect.capabilities, 'tools') === undefined && page === 0) return collected.list();
      throw new ListFailed(`its tools could not be listed: it answered with error ${answer.error.code}: ${answer.error.message.slice(0, 200)}`);
    }
    bytesLeft -= answer.bytes;
    if (bytesLeft <= 0) throw new ListFailed('its list of tools is larger than maxResponseBytes');
    collected.page(answer.result);
    const next = own(answer.result, 'nextCursor');
    if (typeof next !== 'string') return collected.list();
    if (cursors.has(next)) {
      options.log.warn({}, 'tools/list: a cursor came twice; the list ends there');
      return collected.list();
    }
    cursors.add(next);
    cursor = next;
    if (collected.full()) break;
  }
  options.log.warn({ pages: MAX_PAGES, tools: MAX_TOOLS }, 'tools/list: more pages or tools than are taken; the rest is left out');
  return collected.list();
}

function collector({ link, dialect, log }: ListOptions, askedAt: number) {
  const tools = new Map<string, UpstreamTool>();
  const headers = new Map<string, readonly ParamHeader[]>();
  const mirrored = dialect.era === 'modern' && link.transport === 'http';
  let ttlMs: number | undefined;

  function add(value: JsonValue): void {
    const problem = toolProblem(value, tools);
    if (problem !== undefined) return log.warn({ tool: nameOf(value) }, `a tool was left out: ${problem}`);
    const definition = value as JsonObject & { name: string; inputSchema: JsonObject };
    if (mirrored) {
      const wanted = paramHeaders(definition.inputSchema);
      if (wanted.type === 'invalid') return log.warn({ tool: definition.name }, `a tool was left out: ${wanted.reason}`);
      if (wanted.headers.length > 0) headers.set(definition.name, wanted.headers);
    }
    tools.set(definition.name, { name: definition.name, definition });
  }

  return {
    full: () => tools.size >= MAX_TOOLS,
    list: (): ToolList => ({ tools: [...tools.values()], askedAt, ttlMs, paramHeaders: headers }),
    page(result: JsonObject): void {
      const listed = own(result, 'tools');
      if (!Array.isArray(listed)) throw new ListFailed('its tools could not be listed: the answer holds no array "tools"');
      for (const tool of listed) if (tools.size < MAX_TOOLS) add(tool);
      const ttl = own(result, 'ttlMs');
      if (typeof ttl === 'number') ttlMs = Math.min(ttlMs ?? Number.MAX_SAFE_INTEGER, Math.max(0, ttl));
    },
  };
}

function toolProblem(value: JsonValue, known: ReadonlyMap<string, UpstreamTool>): string | undefined {
  if (!isJsonObject(value)) return 'it is no object';
  const name = own(value, 'name');
  if (typeof name !== 'string' || name === '') return 'it has no name';
  if (name.length > MAX_NAME_CHARACTERS) return `its name is longer than ${MAX_NAME_CHARACTERS} characters`;
  if (known.has(name)) return 'another tool has the same name';
  if (!isJsonObject(own(value, 'inputSchema'))) return 'its inputSchema is no object';
  return undefined;
}

const nameOf = (value: JsonValue): string => {
  const name = isJsonObject(value) ? own(value, 'name') : undefined;
  return typeof name === 'string' ? name.slice(0, 100) : '(no name)';
};
