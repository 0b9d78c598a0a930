/**
 * A small MCP client of the 2026-07-28 era, for the commands: one request, its notifications, its answer; sent again with
 * the input that the gateway asks for, where somebody is there to give it. It keeps nothing between requests, which is all
 * that this era asks of a client.
 */
import { createParser } from 'eventsource-parser';
import { isJsonObject, own, parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import { META, MODERN_VERSIONS, SERVER_INFO } from '../mcp/protocol.ts';
import { reach, type GatewayAccess } from './access.ts';
import { CommandError } from './exit.ts';
import { refusedEntry } from './unknown.ts';

export interface Ask {
  readonly method: 'tools/list' | 'tools/call';
  /** Without `_meta`, which is made here. */
  readonly params: JsonObject;
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: JsonObject) => void;
}

export type Answer =
  | { readonly type: 'result'; readonly result: JsonObject }
  | { readonly type: 'error'; readonly code: number; readonly message: string; readonly status: number };

export interface McpClient {
  /** @throws CommandError when no answer comes */
  ask(ask: Ask): Promise<Answer>;
  /** Every page. @throws CommandError with the gateway's words when it refuses */
  listTools(): Promise<JsonObject[]>;
}

export interface McpClientOptions {
  readonly gateway: GatewayAccess;
  readonly as: string | undefined;
  readonly profile: string | undefined;
  /**
   * Asks the person at the terminal, and is the capability that the client declares. Given the request's key and the
   * request; resolves to its result (`ElicitResult`).
   */
  readonly onInput?: ((key: string, request: JsonObject) => Promise<JsonObject>) | undefined;
}

const VERSION = MODERN_VERSIONS[0];
/** As often as a request is sent again with input; a gateway that asks on and on is not followed. */
const MAX_ROUNDS = 10;

export function createMcpClient({ gateway, as, profile, onInput }: McpClientOptions): McpClient {
  const url = `${gateway.url}/mcp${profile === undefined ? '' : `/${encodeURIComponent(profile)}`}`;

  async function ask(request: Ask): Promise<Answer> {
    let input: JsonObject = {};
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      // Each is a request of its own, with an id of its own (MCP 2026-07-28, basic/patterns/mrtr, Client Requirements).
      const answer = await askOnce({ ...request, params: { ...request.params, ...input } }, round);
      if (onInput === undefined || answer.type === 'error' || own(answer.result, 'resultType') !== 'input_required') return answer;
      const state = own(answer.result, 'requestState');
      input = { inputResponses: await inputFor(own(answer.result, 'inputRequests'), onInput), ...(state === undefined ? {} : { requestState: state }) };
    }
    throw new CommandError(`The gateway asked for input ${MAX_ROUNDS} times, and nothing came of it.`);
  }

  async function askOnce({ method, params, headers, onProgress }: Ask, id: number): Promise<Answer> {
    const response = await reach(url, {
      method: 'POST',
      signal: gateway.signal,
      headers: {
        ...gateway.headers(as),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': VERSION,
        'mcp-method': method,
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope(onProgress === undefined ? undefined : id, onInput !== undefined) } }),
    });
    return answerOf(await lastMessage(response, id, onProgress, gateway.signal), response.status);
  }

  async function listTools(): Promise<JsonObject[]> {
    const tools: JsonObject[] = [];
    let cursor: JsonValue | undefined;
    do {
      const answer = await ask({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } });
      if (answer.type === 'error') throw refusedEntry(answer, { settings: gateway.setup.settings, as, profile });
      const page = own(answer.result, 'tools');
      if (Array.isArray(page)) tools.push(...page.filter(isJsonObject));
      cursor = own(answer.result, 'nextCursor');
    } while (typeof cursor === 'string');
    return tools;
  }

  return { ask, listTools };
}

const envelope = (progressToken: number | undefined, canAsk: boolean): JsonObject => ({
  [META.version]: VERSION,
  [META.clientCapabilities]: canAsk ? { elicitation: { form: {} } } : {},
  [META.clientInfo]: { ...SERVER_INFO, name: 'signalbox-cli' },
  ...(progressToken === undefined ? {} : { progressToken }),
});

async function inputFor(requests: JsonValue | undefined, onInput: NonNullable<McpClientOptions['onInput']>): Promise<JsonObject> {
  const responses: JsonObject = {};
  for (const key of Object.keys(isJsonObject(requests) ? requests : {})) {
    const request = own(requests as JsonObject, key);
    if (isJsonObject(request)) responses[key] = await onInput(key, request);
  }
  return responses;
}

async function lastMessage(response: Response, id: number, onProgress: Ask['onProgress'], signal: AbortSignal): Promise<JsonObject | undefined> {
  try {
    return isStream(response) ? await lastOfStream(response, id, onProgress) : messageOf(await response.text());
  } catch (error) {
    // Broken off within the answer: the same as none.
    if (signal.aborted) throw error;
    return undefined;
  }
}

const isStream = (response: Response): boolean => response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;

function messageOf(text: string): JsonObject | undefined {
  try {
    const value = parseLossless(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function lastOfStream(response: Response, id: number, onProgress: Ask['onProgress']): Promise<JsonObject | undefined> {
  let answer: JsonObject | undefined;
  const parser = createParser({
    onEvent: ({ data }) => {
      const message = messageOf(data);
      if (message === undefined) return;
      const params = own(message, 'params');
      if (own(message, 'method') === 'notifications/progress' && isJsonObject(params)) onProgress?.(params);
      else if (own(message, 'id') === id) answer = message;
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
  return answer;
}

function answerOf(message: JsonObject | undefined, status: number): Answer {
  const result = own(message, 'result');
  if (isJsonObject(result)) return { type: 'result', result };
  const error = own(message, 'error');
  if (!isJsonObject(error)) throw new CommandError('The gateway went away before it answered; the call may have been executed.');
  return { type: 'error', code: Number(own(error, 'code')), message: String(own(error, 'message')), status };
}
