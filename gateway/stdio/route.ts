/** Where this bridge's messages go at a gateway, and for whom. */
import { ACT_AS_HEADER } from '../auth.ts';
import type { ExchangeOptions } from './exchange.ts';
import type { Gateway } from './gateways.ts';

export interface Route {
  /** `/mcp` or `/mcp/PROFILE` */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

export const createRoute = (as: string | undefined, profile: string | undefined): Route => ({
  path: profile === undefined ? '/mcp' : `/mcp/${profile}`,
  headers: as === undefined ? [] : [ACT_AS_HEADER, as],
});

const POST_HEADERS = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const;

export const postOptions = (route: Route, gateway: Gateway, headers: readonly string[], body: Buffer): ExchangeOptions => ({
  dispatcher: gateway.pool,
  method: 'POST',
  path: route.path,
  headers: [...POST_HEADERS, ...gateway.headers, ...route.headers, ...headers],
  body,
});
