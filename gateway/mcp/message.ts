/** One JSON value as a JSON-RPC 2.0 message, or the reason why it is none. Judges shape only, not methods. */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { RequestId } from './protocol.ts';

export type Message =
  | { readonly type: 'request'; readonly id: RequestId; readonly method: string; readonly params: JsonObject }
  | { readonly type: 'notification'; readonly method: string; readonly params: JsonObject }
  /** `body` is the whole message. */
  | { readonly type: 'response'; readonly id: RequestId | null; readonly body: JsonObject }
  | { readonly type: 'invalid'; readonly id: RequestId | null; readonly message: string };

const MEMBERS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const PARAMS = ['name', 'arguments', '_meta', 'cursor', 'uri', 'requestState', 'inputResponses'];

export function readMessage(value: JsonValue): Message {
  if (!isJsonObject(value)) return invalid(null, 'A JSON-RPC message is an object.');
  const id = own(value, 'id');
  const knownId = isRequestId(id) ? id : null;
  if (own(value, 'jsonrpc') !== '2.0') return invalid(knownId, 'Expected "jsonrpc": "2.0".');
  const lookalike = findLookalike(value, MEMBERS);
  if (lookalike !== undefined) return invalid(knownId, `Member "${lookalike}" differs from a JSON-RPC member only by case.`);
  const method = own(value, 'method');
  if (method === undefined) {
    const answers = own(value, 'result') !== undefined || own(value, 'error') !== undefined;
    return answers ? { type: 'response', id: knownId, body: value } : invalid(knownId, 'A request has a "method".');
  }
  if (typeof method !== 'string') return invalid(knownId, 'Expected "method" to be a string.');
  const params = own(value, 'params') ?? {};
  if (!isJsonObject(params)) return invalid(knownId, 'Expected "params" to be an object.');
  const twin = findLookalike(params, PARAMS);
  if (twin !== undefined) return invalid(knownId, `Parameter "${twin}" differs from a known one only by case.`);
  if (!Object.hasOwn(value, 'id')) return { type: 'notification', method, params };
  if (knownId === null) return invalid(null, 'Expected "id" to be a string or an integer.');
  return { type: 'request', id: knownId, method, params };
}

const invalid = (id: RequestId | null, message: string): Message => ({ type: 'invalid', id, message });

/** Ids are strings or integers, never null (MCP 2026-07-28, basic/index, Requests). */
export const isRequestId = (id: unknown): id is RequestId =>
  typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id));

/** A member that another parser might take for a known one. */
function findLookalike(object: JsonObject, known: readonly string[]): string | undefined {
  for (const key of Object.keys(object)) {
    if (known.includes(key)) continue;
    const lower = key.toLowerCase();
    if (known.includes(lower)) return key.slice(0, 40);
  }
  return undefined;
}
