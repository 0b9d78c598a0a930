/** Raw MCP of both eras: the messages of a well-behaved client, and every part of them open to be made wrong. */
import { onTestFinished } from 'vitest';
import { openStream, send, type Message, type Reply, type Stream } from './http.ts';

export const MODERN = '2026-07-28';
export const META = 'io.modelcontextprotocol/';

export interface ClientOptions {
  readonly key?: string;
  readonly profile?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Changes {
  /** Laid over the headers; `undefined` takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly id?: string | number;
}

export interface McpCaller {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A 2026 request. */
  modern(method: string, params?: object, changes?: Changes): Promise<Reply>;
  openModern(method: string, params?: object, changes?: Changes): Promise<Stream>;
  /** A 2025 request without a session. */
  stateless(method: string, params?: object, changes?: Changes): Promise<Reply>;
  session(protocolVersion?: string, capabilities?: object): Promise<McpSession>;
  /** Calls a tool in the 2026 era. */
  call(name: string, args?: object, changes?: Changes): Promise<Message>;
  names(): Promise<string[]>;
  raw(body: string | Uint8Array, headers?: Readonly<Record<string, string | undefined>>): Promise<Reply>;
}

export interface McpSession {
  readonly id: string;
  readonly initialized: Message;
  request(method: string, params?: object, changes?: Changes): Promise<Reply>;
  open(method: string, params?: object, changes?: Changes): Promise<Stream>;
  notify(method: string, params?: object): Promise<Reply>;
  call(name: string, args?: object, changes?: Changes): Promise<Message>;
  /** The GET stream; closed when the test ends. */
  listen(): Promise<Stream>;
  end(): Promise<Reply>;
}

const BOTH = 'application/json, text/event-stream';
const PLAIN = { 'content-type': 'application/json', accept: BOTH };

export function mcpClient(origin: string, { key, profile, headers: more = {} }: ClientOptions = {}): McpCaller {
  const url = `${origin}/mcp${profile === undefined ? '' : `/${profile}`}`;
  const headers = { ...PLAIN, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...more };
  let lastId = 0;

  function modernRequest(method: string, params: object, changes: Changes) {
    const name = (params as { name?: unknown }).name;
    const body = {
      jsonrpc: '2.0',
      id: changes.id ?? ++lastId,
      method,
      params: { ...params, _meta: { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {}, [`${META}clientInfo`]: { name: 'test', version: '1' }, ...changes.meta } },
    };
    const own = { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...(typeof name === 'string' ? { 'mcp-name': headerValue(name) } : {}) };
    return { headers: without({ ...headers, ...own, ...changes.headers }), body: JSON.stringify(body) };
  }

  function legacyRequest(method: string, params: object | undefined, changes: Changes) {
    const meta = changes.meta === undefined ? {} : { _meta: changes.meta };
    const body = { jsonrpc: '2.0', id: changes.id ?? ++lastId, method, ...(params === undefined && changes.meta === undefined ? {} : { params: { ...params, ...meta } }) };
    return { headers: without({ ...headers, ...changes.headers }), body: JSON.stringify(body) };
  }

  async function session(protocolVersion = '2025-11-25', capabilities: object = {}): Promise<McpSession> {
    const opened = await send(url, legacyRequest('initialize', { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1' } }, {}));
    const id = String(opened.headers['mcp-session-id']);
    const version = opened.message.result.protocolVersion as string;
    const inSession = { 'mcp-session-id': id, 'mcp-protocol-version': version };
    const within = (changes: Changes): Changes => ({ ...changes, headers: { ...inSession, ...changes.headers } });
    const request: McpSession['request'] = (method, params, changes = {}) => send(url, legacyRequest(method, params, within(changes)));
    const notify: McpSession['notify'] = (method, params) =>
      send(url, { headers: { ...headers, ...inSession }, body: JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) }) });
    await notify('notifications/initialized');
    return {
      id,
      initialized: opened.message,
      request,
      notify,
      open: (method, params, changes = {}) => openStream(url, legacyRequest(method, params, within(changes))),
      call: async (name, args = {}, changes = {}) => (await request('tools/call', { name, arguments: args }, changes)).message,
      async listen() {
        const stream = await openStream(url, { method: 'GET', headers: { ...headers, ...inSession, accept: 'text/event-stream' } });
        onTestFinished(() => stream.leave());
        return stream;
      },
      end: () => send(url, { method: 'DELETE', headers: { ...headers, ...inSession } }),
    };
  }

  const modern: McpCaller['modern'] = (method, params = {}, changes = {}) => send(url, modernRequest(method, params, changes));
  return {
    url,
    headers,
    modern,
    openModern: (method, params = {}, changes = {}) => openStream(url, modernRequest(method, params, changes)),
    stateless: (method, params, changes = {}) => send(url, legacyRequest(method, params, changes)),
    session,
    call: async (name, args = {}, changes = {}) => (await modern('tools/call', { name, arguments: args }, changes)).message,
    names: async () => ((await modern('tools/list')).message.result.tools as { name: string }[]).map(({ name }) => name),
    raw: (body, changed = {}) => send(url, { headers: without({ ...headers, ...changed }), body }),
  };
}

/** MCP 2026-07-28, basic/transports/streamable-http, Value Encoding. */
export const headerValue = (text: string): string => (/^[\x21-\x7e]+$/.test(text) ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`);

const without = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** What an error of ours that a tool result carries is about. */
export const errorIn = (message: Message): Record<string, unknown> => message.result?._meta?.['dev.signalbox/error'] ?? {};
export const textIn = (message: Message): string => message.result?.content?.[0]?.text ?? '';
