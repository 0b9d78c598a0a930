/** What a method of the protocol is given, and what it is. */
import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject } from '../../core/json.ts';
import type { Origin } from '../../core/origin.ts';
import type { Principal } from '../../core/principal.ts';
import type { Box } from '../box.ts';
import type { Exchange } from './exchange.ts';
import type { Era, RequestId } from './protocol.ts';
import type { Session } from './sessions.ts';

export interface RpcRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

/** Everything about a request but the request. */
export interface RequestContext {
  readonly box: Box;
  readonly principal: Principal;
  readonly profile: string | undefined;
  readonly era: Era;
  readonly face: Origin['face'];
  readonly protocolVersion: string;
  readonly session: Session | undefined;
  readonly clientInfo: JsonObject | undefined;
  readonly clientCapabilities: JsonObject | undefined;
  readonly traceparent: string | undefined;
  /** As they came: for letting the sender in anew, where a request takes long. */
  readonly headers: IncomingHttpHeaders;
  readonly exchange: Exchange;
}

export type Method = (request: RpcRequest, context: RequestContext) => void | Promise<void>;
