/**
 * From settings to a connection: the right transport is opened, the era agreed on, the tools listed. One attempt;
 * what follows a failure is the connector's business.
 */
import type { JsonObject } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import type { HttpServerSettings, SecretSource, ServerSettings } from '../core/settings.ts';
import type { Connection } from './connection.ts';
import { agree, NoAgreement } from './era/agree.ts';
import type { Dialect } from './era/dialect.ts';
import { createAddressGuard, upstreamUrl } from './http/address.ts';
import { configuredHeaders } from './http/headers.ts';
import type { HttpLinkOptions } from './http/link.ts';
import type { Link } from './link.ts';
import { openStdioLink } from './stdio/link.ts';
import type { Reaper } from './stdio/reaper.ts';
import { listTools } from './tool-list.ts';
import { errorText, resultText } from './wire/jsonrpc.ts';

/** What is known of a server from an earlier connection: tried first, and dropped when it proves false. */
export interface Remembered {
  readonly era: 'modern' | 'legacy';
  readonly transport: Link['transport'];
}

export interface ConnectOptions {
  readonly settings: ServerSettings;
  readonly secrets: SecretSource;
  readonly log: Log;
  readonly reaper: Reaper;
  readonly clientInfo: JsonObject;
  readonly nextId: () => number;
  readonly remembered: Remembered | undefined;
  readonly events: ConnectEvents;
}

export interface ConnectEvents {
  /** A link exists from here on: close it if the attempt is no longer wanted. */
  opened(link: Link): void;
  toolsChanged(link: Link): void;
  down(link: Link, problem: string): void;
  sessionLost(link: Link): void;
}

const SILENT_STDIO_MS = 2_500;
const SILENT_HTTP_MS = 5_000;

/** @throws Error in words */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const progress: Connection['progress'] = new Map();
  const holder: { link?: Link } = {};
  const events = linkEvents(options, progress, holder);
  const opened = await openAndAgree(options, events, (link) => {
    holder.link = link;
    options.events.opened(link);
  });
  try {
    const { settings, log, nextId } = options;
    const list = await listTools({ ...opened, nextId, log, timeoutMs: settings.connectTimeoutMs, maxBytes: listBytes(settings) });
    return { ...opened, list, nextId, progress, handshakes: 1, users: 0, idle: undefined };
  } catch (error) {
    void opened.link.close(STOP_MS);
    throw error;
  }
}

/** How long a child that is of no use gets to go by itself. */
const STOP_MS = 1_000;
const MIN_LIST_BYTES = 4 * 1024 * 1024;

/** A list may be larger than the answers that the operator wants of a tool. */
export const listBytes = (settings: ServerSettings): number => Math.max(settings.maxResponseBytes, MIN_LIST_BYTES);

/** The handshake again on a link that stands: a session was lost, or a version is no longer spoken. @throws NoAgreement */
export function agreeAgain({ settings, clientInfo, nextId }: Pick<ConnectOptions, 'settings' | 'clientInfo' | 'nextId'>, link: Link, remembered: 'legacy' | undefined): Promise<Dialect> {
  link.forgetSession();
  return agree({ link, clientInfo, nextId, remembered, ...bounds(settings, link.transport) });
}

const bounds = (settings: ServerSettings, transport: Link['transport']) => ({
  timeoutMs: settings.connectTimeoutMs,
  silentProbeMs: Math.min(transport === 'stdio' ? SILENT_STDIO_MS : SILENT_HTTP_MS, settings.connectTimeoutMs / 2),
  maxBytes: listBytes(settings),
});

type Events = HttpLinkOptions['events'];
type Opened = { link: Link; dialect: Dialect };

async function openAndAgree(options: ConnectOptions, events: Events, onOpened: (link: Link) => void): Promise<Opened> {
  const { settings, remembered } = options;
  if (settings.type === 'stdio') return agreeOn(openStdioLink({ ...options, settings, events }));
  const http = httpOptions(options, settings, events);
  // Loaded when a server is reached that way: a gateway in front of processes alone starts sooner without.
  const [{ openHttpLink }, { openSseLink }] = await Promise.all([import('./http/link.ts'), import('./sse/link.ts')]);
  if (settings.type === 'sse' || remembered?.transport === 'sse') return overSse();
  try {
    return await agreeOn(openHttpLink(http));
  } catch (error) {
    // MCP 2026-07-28, basic/transports/streamable-http, Backward Compatibility, HTTP+SSE: 400, 404 or 405 to a POST.
    if (!(error instanceof NoAgreement) || ![400, 404, 405].includes(error.status ?? 0)) throw error;
    return overSse(error);
  }

  /** `instead`: what to complain of where the server has no such stream either. */
  async function overSse(instead?: Error): Promise<Opened> {
    const { link, ready } = openSseLink(http);
    onOpened(link);
    await ready.catch((error: Error) => {
      void link.close(0);
      throw instead ?? error;
    });
    return agreeOn(link);
  }

  async function agreeOn(link: Link): Promise<Opened> {
    onOpened(link);
    try {
      const { clientInfo, nextId } = options;
      const era = remembered?.era;
      return { link, dialect: await agree({ link, clientInfo, nextId, remembered: era, ...bounds(settings, link.transport) }) };
    } catch (error) {
      void link.close(STOP_MS);
      throw error;
    }
  }
}

function httpOptions({ secrets, log }: ConnectOptions, settings: HttpServerSettings, events: Events): HttpLinkOptions {
  const guard = createAddressGuard();
  const { connectTimeoutMs, concurrency, maxResponseBytes } = settings;
  const url = upstreamUrl(secrets.resolve(settings.url), guard);
  return { url, headers: configuredHeaders(settings.headers, secrets), guard, connectTimeoutMs, concurrency, maxResponseBytes: Math.max(maxResponseBytes, listBytes(settings)), log, events };
}

function linkEvents({ events, log }: ConnectOptions, progress: Connection['progress'], holder: { link?: Link }): Events {
  const withLink = (act: (link: Link) => void): void => {
    if (holder.link !== undefined) act(holder.link);
  };
  return {
    notification(method, params) {
      if (method === 'notifications/progress') {
        const token = params !== undefined && Object.hasOwn(params, 'progressToken') ? params['progressToken'] : undefined;
        if (params !== undefined && typeof token === 'number') progress.get(token)?.(params);
      } else if (method === 'notifications/tools/list_changed') withLink((link) => events.toolsChanged(link));
    },
    request(id, method) {
      // Silence would leave the upstream waiting: what is not offered is refused.
      if (method === 'ping') return resultText(id, {});
      log.debug({ method }, 'the upstream asked for something that the gateway does not offer');
      return errorText(id, -32601, 'Method not found: this client offers no roots, sampling or elicitation');
    },
    down: (problem) => withLink((link) => events.down(link, problem)),
    sessionLost: () => withLink((link) => events.sessionLost(link)),
  };
}
