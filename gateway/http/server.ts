/**
 * The HTTP server: guard, authentication, then the MCP endpoint on the hot path; everything else goes to the slow side
 * (health, metrics, admin), which is loaded when it is first asked for.
 */
import { Server, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Authenticated } from '../auth.ts';
import type { Box } from '../box.ts';
import { faultText } from '../fault-id.ts';
import { fail, type Endpoint } from '../mcp/endpoint.ts';
import { isLoopbackHost, type Guarded } from './guard.ts';
import { createLane, type Lane, type PlainRequest } from './plain/lane.ts';
import type { Reply } from './plain/reply.ts';

export interface ServerParts {
  readonly endpoint: Endpoint;
  /** What is in force now; asked anew for each request. */
  readonly current: () => Gate;
  /** Everything that is not MCP. */
  readonly other: (req: IncomingMessage, res: ServerResponse, authenticated: Authenticated) => void;
  /** @returns the id by which the log has it */
  readonly onFault: (error: unknown) => string;
  readonly onAuthFailure: (req: IncomingMessage | PlainRequest, why: string) => void;
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
  return new TwoWayServer(parts, {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: 32 * 1024,
    noDelay: true,
  });
}

/** Plain MCP requests are read by the short way in, everything else by `node:http`. */
class TwoWayServer extends Server {
  readonly #lane: Lane;
  readonly #sweeping: NodeJS.Timeout;

  constructor(parts: ServerParts, options: ServerOptions) {
    super(options, (req, res) => {
      // Closing: who is answered now shall not ask here again.
      if (!this.listening) res.setHeader('connection', 'close');
      guarded(parts, req, res);
    });
    const [giveAway] = this.listeners('connection') as ((socket: Socket) => void)[];
    this.removeAllListeners('connection');
    const { headersMs, checkMs } = parts.times ?? TIMES;
    this.#lane = createLane({
      handle: (req, res) => guarded(parts, req, res),
      giveAway: (socket) => giveAway?.call(this, socket),
      isClosing: () => !this.listening,
      idleSweeps: Math.ceil(KEEP_ALIVE_TIMEOUT_MS / checkMs),
      silentSweeps: Math.ceil(headersMs / checkMs),
    });
    this.#sweeping = setInterval(() => this.#lane.sweep(), checkMs).unref();
    const admit = capPerAddress();
    this.on('connection', (socket: Socket) => {
      if (admit(socket)) this.#lane.take(socket);
    });
  }

  override close(callback?: (error?: Error) => void): this {
    super.close(callback);
    this.#lane.closeIdle();
    return this;
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#lane.closeIdle();
  }

  override closeAllConnections(): void {
    clearInterval(this.#sweeping);
    super.closeAllConnections();
    this.#lane.closeAll();
  }
}

function guarded(parts: ServerParts, req: IncomingMessage | PlainRequest, res: Reply): void {
  try {
    handle(parts, req, res);
  } catch (error) {
    const id = parts.onFault(error);
    if (res.headersSent) res.destroy();
    else fail(res, 500, 'internal', faultText(id));
  }
}

function handle(parts: ServerParts, req: IncomingMessage | PlainRequest, res: Reply): void {
  const { box, guard, authenticate } = parts.current();
  const guarded = guard(req.headers);
  if (guarded.type === 'refused') return fail(res, 403, 'forbidden_host', guarded.message);
  if (guarded.crossOrigin !== undefined) {
    allowOrigin(res, guarded.crossOrigin, req.headers['access-control-request-headers']);
    if (req.method === 'OPTIONS') return void res.writeHead(204).end();
  }
  const path = pathOf(req.url ?? '/');
  if (OPEN_PATHS.has(path)) return other(parts, req, res, { type: 'unknown', why: 'not asked' });
  const authenticated = authenticate(req.headers);
  if (authenticated.type === 'unknown') {
    parts.onAuthFailure(req, authenticated.why);
    // RFC 6750, section 3: a request without a good token is told which scheme to use.
    res.setHeader('www-authenticate', 'Bearer realm="signalbox"');
    return fail(res, 401, 'unauthenticated', 'This gateway knows its callers by key.');
  }
  if (path !== '/mcp' && !path.startsWith('/mcp/')) return other(parts, req, res, authenticated);
  const profile = path.length <= 5 ? undefined : path.slice(5);
  const { principal, face } = authenticated;
  if (box.view(principal, profile) === undefined) {
    return fail(res, 404, 'unknown_profile', `No profile ${JSON.stringify(profile ?? '')} is open to this caller.`);
  }
  parts.endpoint.handle(req, res, { box, principal, profile, face });
}

/** A plain request is one to MCP, so that what is neither came through `node:http`. */
const other = (parts: ServerParts, req: IncomingMessage | PlainRequest, res: Reply, authenticated: Authenticated): void =>
  parts.other(req as IncomingMessage, res as ServerResponse, authenticated);

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** @param asked the headers that a preflight asks for: which `Mcp-Param-*` there are, tools say */
function allowOrigin(res: Reply, origin: string, asked: string | undefined): void {
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

/** @returns what says whether a connection is taken; one that is not is gone */
function capPerAddress(): (socket: Socket) => boolean {
  const counts = new Map<string, number>();
  return (socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || isLoopbackHost(address.replace(/^::ffff:/, ''))) return true;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > MAX_CONNECTIONS_PER_ADDRESS) {
      socket.destroy();
      return false;
    }
    counts.set(address, count);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left <= 0) counts.delete(address);
      else counts.set(address, left);
    });
    return true;
  };
}
