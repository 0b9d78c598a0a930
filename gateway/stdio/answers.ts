/** What the bridge itself says to the client, where no answer of the gateway's can be handed on as it is. */
import { ERRORS } from '../../core/errors.ts';
import { isJsonObject, own } from '../../core/json.ts';
import type { RequestId } from '../mcp/protocol.ts';
import { errorText, tableError } from '../mcp/render.ts';
import { parsed } from './session.ts';

type Ids = readonly RequestId[];

/** Several ids are those of a batch, whose answers come in one array (2025-03-26, basic). */
const toEach = (ids: Ids, answer: (id: RequestId) => string): string | undefined => {
  if (ids.length < 2) return ids[0] === undefined ? undefined : answer(ids[0]);
  return `[${ids.map(answer).join(',')}]`;
};

/** Sent, or in part, and no answer came: to send it again might do twice what was asked for once. */
export const maybeExecuted = (ids: Ids): string | undefined =>
  toEach(ids, (id) => tableError(id, 'upstream_lost', 'The gateway went away before it answered; this request was not sent to another one.', { executed: 'maybe' }));

export const noGateway = (ids: Ids, why: string): string | undefined => toEach(ids, (id) => errorText(id, ERRORS.internal.rpc, why));

export const tooMany = (ids: Ids, most: number): string | undefined =>
  toEach(ids, (id) => errorText(id, ERRORS.busy.rpc, `${most} requests are under way. Wait for some of them to end.`));

export const stillUnderWay = (ids: Ids): string | undefined =>
  toEach(ids, (id) => tableError(id, 'invalid_request', `A request with id ${JSON.stringify(id)} is still under way.`));

export const malformed = (): string => tableError(null, 'parse_error', 'The line is not valid JSON.');

export const tooLong = (id: RequestId | undefined, maxBytes: number): string =>
  tableError(id ?? null, 'body_too_large', `The line is longer than ${maxBytes} bytes.`);

/**
 * The gateway's refusal for these requests. One that it could not read far enough for an id gets the id from here, where
 * it could be read.
 */
export function refusal(ids: Ids, status: number, text: string): string | undefined {
  const value = parsed(text);
  const error = isJsonObject(value) ? own(value, 'error') : undefined;
  if (!isJsonObject(value) || !isJsonObject(error) || own(value, 'jsonrpc') !== '2.0') {
    return noGateway(ids, `The gateway answered with HTTP status ${status}, and nothing that an MCP client could read.`);
  }
  if (ids.length === 0 || typeof own(value, 'id') === 'string' || typeof own(value, 'id') === 'number') return text;
  return toEach(ids, (id) => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify(error)}}`);
}
