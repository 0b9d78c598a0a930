/**
 * JSON-RPC 2.0 as upstreams send it: parsed without losing numbers, bounded in depth, and sorted into what it is.
 * What a message means is the session's business.
 */
import { isJsonObject, own, parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';

export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}

export type Message =
  | { readonly type: 'result'; readonly id: number; readonly result: JsonObject }
  | { readonly type: 'error'; readonly id: number | undefined; readonly error: RpcError }
  | { readonly type: 'request'; readonly id: string | number; readonly method: string }
  | { readonly type: 'notification'; readonly method: string; readonly params: JsonObject | undefined }
  | { readonly type: 'invalid'; readonly why: string; readonly id: number | undefined };

/** Deeper answers are refused: writing them out again would overflow the stack. */
const MAX_DEPTH = 512;

/** Every message of a text: one, or several where the peer sends a batch (MCP 2025-03-26). */
export function parseMessages(text: string): Message[] {
  if (deeperThan(text, MAX_DEPTH)) return [invalid(`it is nested deeper than ${MAX_DEPTH} levels`, idByEnds(text))];
  let value: JsonValue;
  try {
    value = parseLossless(text);
  } catch {
    return [invalid('it is no valid JSON', idByEnds(text))];
  }
  return Array.isArray(value) ? value.map(classify) : [classify(value)];
}

const invalid = (why: string, id?: number): Message => ({ type: 'invalid', why, id });

export function classify(value: JsonValue): Message {
  if (!isJsonObject(value)) return invalid('it is no JSON object');
  const id = own(value, 'id');
  const method = own(value, 'method');
  if (typeof method === 'string') {
    if (typeof id === 'string' || typeof id === 'number') return { type: 'request', id, method };
    const params = own(value, 'params');
    return { type: 'notification', method, params: isJsonObject(params) ? params : undefined };
  }
  const ours = typeof id === 'number' ? id : undefined;
  const error = own(value, 'error');
  if (isJsonObject(error)) return errorMessage(error, ours);
  const result = own(value, 'result');
  if (ours === undefined) return invalid('it answers with an id that was never sent');
  if (!isJsonObject(result)) return invalid('it has neither a result object nor an error object', ours);
  return { type: 'result', id: ours, result };
}

function errorMessage(error: JsonObject, id: number | undefined): Message {
  const code = own(error, 'code');
  const message = own(error, 'message');
  const data = own(error, 'data');
  if (typeof code !== 'number' || !Number.isInteger(code)) return invalid('its error has no whole-number code', id);
  const text = typeof message === 'string' ? message : 'no message was given';
  return { type: 'error', id, error: data === undefined ? { code, message: text } : { code, message: text, data } };
}

const END_CHARACTERS = 1_024;

/** So that the request which waits for an unreadable answer need not wait for its deadline. */
const idByEnds = (text: string): number | undefined => answeredId(text.slice(0, END_CHARACTERS), text.slice(-END_CHARACTERS));

/**
 * The id of an answer of which only the ends are known. Either the message begins with it, or it closes the whole
 * line: `"id":7}` as the last characters of a JSON text can only be a member of the outermost object.
 */
export function answeredId(head: string, tail: string): number | undefined {
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/.exec(head);
  const last = /"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail);
  const found = first?.[1] ?? last?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Whether JSON text nests deeper than `max`. Short texts cannot, and are not looked at. */
export function deeperThan(text: string, max: number): boolean {
  if (text.length <= max * 2) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x22) inString = false;
      else if (code === 0x5c) at++;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > max) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

export const requestText = (id: number, method: string, params: JsonObject): string =>
  `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`;

export const notificationText = (method: string, params?: JsonObject): string =>
  params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`;

export const resultText = (id: string | number, result: JsonObject): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;

export const errorText = (id: string | number, code: number, message: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":${code},"message":${JSON.stringify(message)}}}`;
