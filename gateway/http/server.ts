/**
 * The HTTP server: guard, authentication, then the MCP endpoint on the hot path; everything else goes to the slow side
 * (health, metrics, admin), which is loaded when it is first asked for.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Authenticated } from '../auth.ts';
import type { Box } from '../box.ts';
import { fail, type Endpoint } from '../mcp/endpoint.ts';
import { isLoopbackHost, type Guarded } from './guard.ts';

export interface ServerParts {
  readonly endpoint: Endpoint;
  /** What is in force now; asked anew for each request. */
  readonly current: () => Gate;
  /** Everything that is not MCP. */
  readonly other: (req: IncomingMessage, res: ServerResponse, authenticated: Authenticated) => void;
  readonly onFault: (error: unknown) => void;
  readonly onAuthFailure: (req: IncomingMessage, why: string) => void;
  /** For tests. */
  readonly times?: ServerTimes;
}

export interface ServerTimes {
  /** Longest that headers may take to come in. */
  readonly headersMs: number;
  /** Longest that a request may take to come in whole. */
  readonly requestMs: number;
  /** How often both are looked after. */
  readonly checkMs: number;
}

/** One configuration's way in. */
export interface Gate {
  readonly box: Box;
  readonly guard: (headers: IncomingMessage['headers']) => Guarded;
  readonly authenticate: (headers: IncomingMessage['headers']) => Authenticated;
}

/** Connections from one address that is not this machine's own. */
const MAX_CONNECTIONS_PER_ADDRESS = 1000;
const TIMES: ServerTimes = { headersMs: 15_000, requestMs: 120_000, checkMs: 5_000 };
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Health is for whoever watches the process; it says nothing worth hiding. */
const OPEN_PATHS = new Set(['/healthz', '/readyz']);

export function createHttpServer(parts: ServerParts): Server {
  const { headersMs, requestMs, checkMs } = parts.times ?? TIMES;
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: 32 * 1024,
      noDelay: true,
    },
    (req, res) => {
      // Closing: who is answered now shall not ask here again.
      if (!server.listening) res.setHeader('connection', 'close');
      try {
        handle(parts, req, res);
      } catch (error) {
        parts.onFault(error);
        fail(res, 500, 'internal', 'Something went wrong.');
      }
    },
  );
  server.on('connection', capPerAddress());
  return server;
}

function handle(parts: ServerParts, req: IncomingMessage, res: ServerResponse): void {
  const { box, guard, authenticate } = parts.current();
  const guarded = guard(req.headers);
  if (guarded.type === 'refused') return fail(res, 403, 'forbidden_host', guarded.message);
  if (guarded.crossOrigin !== undefined) {
    allowOrigin(res, guarded.crossOrigin, req.headers['access-control-request-headers']);
    if (req.method === 'OPTIONS') return void res.writeHead(204).end();
  }
  const path = pathOf(req.url ?? '/');
  if (OPEN_PATHS.has(path)) return parts.other(req, res, { type: 'unknown', why: 'not asked' });
  const authenticated = authenticate(req.headers);
  if (authenticated.type === 'unknown') {
    parts.onAuthFailure(req, authenticated.why);
    // RFC 6750, section 3: a request without a good token is told which scheme to use.
    res.setHeader('www-authenticate', 'Bearer realm="signalbox"');
    return fail(res, 401, 'unauthenticated', 'This gateway knows its callers by key.');
  }
  if (path !== '/mcp' && !path.startsWith('/mcp/')) return parts.other(req, res, authenticated);
  const profile = path.length <= 5 ? undefined : path.slice(5);
  const { principal, face } = authenticated;
  if (box.view(principal, profile) === undefined) {
    return fail(res, 404, 'unknown_profile', `No profile ${JSON.stringify(profile ?? '')} is open to this caller.`);
  }
  parts.endpoint.handle(req, res, { box, principal, profile, face });
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** @param asked the headers that a preflight asks for: which `Mcp-Param-*` there are, tools say */
function allowOrigin(res: ServerResponse, origin: string, asked: string | undefined): void {
  const paramHeaders = asked?.toLowerCase().match(/\bmcp-param-[\w!#$%&'*+.^`|~-]+/g) ?? [];
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('vary', 'origin');
  res.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  res.setHeader(
    'access-control-allow-headers',
    ['authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, x-api-key, traceparent', ...paramHeaders].join(', '),
  );
  res.setHeader('access-control-expose-headers', 'mcp-session-id');
}

function capPerAddress(): (socket: Socket) => void {
  const counts = new Map<string, number>();
  return (socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || isLoopbackHost(address.replace(/^::ffff:/, ''))) return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > MAX_CONNECTIONS_PER_ADDRESS) return void socket.destroy();
    counts.set(address, count);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left <= 0) counts.delete(address);
      else counts.set(address, left);
    });
  };
}
