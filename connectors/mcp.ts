/**
 * The connector for one MCP server: connects, stays connected, and lets calls through. Transports, eras and the fate of
 * a single call are told elsewhere; here is only which connection stands, and what happens when it falls.
 */
import type { Connector, ConnectorState, Invocation, InvokeResult } from '../core/connector.ts';
import type { JsonObject } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import { compilePatterns } from '../core/pattern.ts';
import type { SecretSource, ServerSettings } from '../core/settings.ts';
import type { UpstreamTool } from '../core/tool.ts';
import { agreeAgain, connect, listBytes, type Remembered } from './connect.ts';
import type { Connection } from './connection.ts';
import { Flight, type FlightHost } from './flight.ts';
import { keepFresh, type Freshness } from './freshness.ts';
import type { Link } from './link.ts';
import { createBackoff } from './resilience/backoff.ts';
import { createBreaker } from './resilience/breaker.ts';
import { createGate } from './resilience/gate.ts';
import type { Reaper } from './stdio/reaper.ts';

export interface McpConnectorOptions {
  readonly settings: ServerSettings;
  readonly secrets: SecretSource;
  readonly log: Log;
  /** Shared by all connectors of a gateway. */
  readonly reaper: Reaper;
  /** What upstreams are told of the gateway: `name` and `version`. */
  readonly clientInfo: JsonObject;
  /** Milliseconds, monotonic; for the breaker. */
  readonly now?: () => number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const RETRY_PAUSE_MS = 250;
/** A connection that stood this long was a good one: the next pause is short again. */
const STEADY_MS = 30_000;
const NO_TOOLS: readonly UpstreamTool[] = [];

export function createMcpConnector(options: McpConnectorOptions): Connector {
  const { settings, now = () => performance.now() } = options;
  const id = settings.id;
  const log = options.log.child({ server: id });
  const gate = createGate(settings.concurrency, settings.queue);
  const breaker = createBreaker({ now, onChange: () => log.info({ breaker: breaker.state }, 'circuit breaker') });
  const pauses = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  const listeners = new Set<() => void>();
  const flights = new Set<Flight>();
  /** Every link that is not closed yet, each with what closes it. */
  const links = new Set<Link>();
  let state: ConnectorState = 'connecting';
  let problem: string | undefined;
  let current: Connection | undefined;
  let freshness: Freshness | undefined;
  let recovering: Promise<void> | undefined;
  let remembered: Remembered | undefined;
  let nextAttemptAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let attempting: Promise<void> | undefined;
  let readyAt = 0;
  let lastId = 0;
  let started = false;
  let closing: Promise<void> | undefined;
  let settle: () => void = () => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const nextId = (): number => ++lastId;

  function tell(): void {
    for (const listener of listeners) listener();
  }

  async function attempt(): Promise<void> {
    timer = undefined;
    nextAttemptAt = undefined;
    try {
      const connection = await connect({ ...options, log, nextId, remembered, events });
      if (closing !== undefined) return drop(connection.link);
      stand(connection);
    } catch (error) {
      // What was remembered of the server may be false by now.
      remembered = undefined;
      if (closing === undefined) fall((error as Error).message);
    } finally {
      settle();
    }
  }

  function stand(connection: Connection): void {
    current = connection;
    remembered = { era: connection.dialect.era, transport: connection.link.transport };
    readyAt = performance.now();
    state = 'ready';
    problem = undefined;
    breaker.reset();
    freshness = keepFresh({
      connection,
      log,
      timeoutMs: settings.connectTimeoutMs,
      maxBytes: listBytes(settings),
      changed: tell,
      failed: (error) => log.warn({ problem: (error as Error).message }, 'the tools could not be listed again; the last list stays'),
    });
    log.info({ transport: connection.link.transport, protocolVersion: connection.dialect.version, tools: connection.list.tools.length }, 'connected');
    tell();
  }

  function fall(why: string): void {
    freshness?.stop();
    freshness = undefined;
    if (current !== undefined) {
      retire(current);
      if (performance.now() - readyAt >= STEADY_MS) pauses.reset();
    }
    current = undefined;
    recovering = undefined;
    problem = `server "${id}": ${why}`;
    state = 'failed';
    const pauseMs = pauses.next();
    nextAttemptAt = Date.now() + pauseMs;
    timer = setTimeout(() => (attempting = attempt()), pauseMs);
    log.warn({ problem, retryInMs: pauseMs }, 'not connected');
    tell();
  }

  function drop(link: Link): void {
    void link.close(1_000).then(() => links.delete(link));
  }

  /** Calls under way on it may still be answered. */
  function retire(connection: Connection): void {
    if (connection.users === 0) drop(connection.link);
    else connection.idle = () => drop(connection.link);
  }

  const events = {
    opened(link: Link) {
      links.add(link);
      if (closing !== undefined) drop(link);
    },
    toolsChanged: (link: Link) => {
      if (current?.link === link) freshness?.refreshSoon();
    },
    down: (link: Link, why: string) => {
      if (closing === undefined && current?.link === link) fall(why);
    },
    sessionLost: (link: Link) => {
      if (current?.link === link) recover(current).catch(() => {});
    },
  };

  /** All that meet a lost session share one new handshake. */
  function recover(connection: Connection): Promise<void> {
    if (connection !== current || closing !== undefined) return Promise.reject(new Error('the connection has been replaced'));
    recovering ??= reopen(connection).finally(() => {
      recovering = undefined;
    });
    return recovering;
  }

  async function reopen(connection: Connection): Promise<void> {
    try {
      connection.dialect = await agreeAgain({ ...options, nextId }, connection.link, connection.dialect.era === 'legacy' ? 'legacy' : undefined);
      log.info({ protocolVersion: connection.dialect.version }, 'the upstream had lost the session; it was opened again');
      freshness?.refreshSoon();
    } catch (error) {
      remembered = undefined;
      if (connection === current && closing === undefined) fall((error as Error).message);
      throw error;
    }
  }

  const whyNot = (): { problem: string; retryAfterMs?: number } => {
    if (state === 'closed') return { problem: 'it has been closed' };
    const reason = state === 'connecting' ? 'it is still connecting' : 'it is not connected; "signalbox status" says why, and it is tried again by itself';
    return nextAttemptAt === undefined ? { problem: reason } : { problem: reason, retryAfterMs: Math.max(0, nextAttemptAt - Date.now()) };
  };

  const host: FlightHost = {
    id,
    gate,
    breaker,
    timeoutMs: settings.timeoutMs,
    idleTimeoutMs: settings.idleTimeoutMs,
    maxResponseBytes: settings.maxResponseBytes,
    retryPauseMs: RETRY_PAUSE_MS,
    idempotent: settings.idempotent.length === 0 ? () => false : compilePatterns(settings.idempotent),
    connection: () => current ?? whyNot(),
    recover,
    relist: (connection) => (connection === current && freshness !== undefined ? freshness.refresh() : Promise.resolve()),
    unreachable: (connection, why) => {
      if (connection === current && closing === undefined) fall(why);
    },
    ended: (flight) => void flights.delete(flight),
  };

  function invoke(invocation: Invocation): Promise<InvokeResult> {
    return new Promise((resolve) => {
      const flight = new Flight(host, invocation, resolve);
      flights.add(flight);
      flight.start();
    });
  }

  async function shutDown(graceMs: number): Promise<void> {
    clearTimeout(timer);
    freshness?.stop();
    nextAttemptAt = undefined;
    const deadline = performance.now() + graceMs;
    for (const flight of flights) flight.close(false);
    while (flights.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const flight of flights) flight.close(true);
    const left = Math.max(0, deadline - performance.now());
    await Promise.all(Array.from(links, (link) => link.close(Math.max(left, MIN_STOP_MS))));
    await attempting; // Ends now that its link is closed.
    await Promise.all(Array.from(links, (link) => link.close(MIN_STOP_MS)));
    links.clear();
    current = undefined;
    settle();
  }

  return {
    id,
    settled,
    start() {
      if (started || closing !== undefined) return;
      started = true;
      attempting = attempt();
    },
    tools: () => (state === 'ready' && current !== undefined ? current.list.tools : NO_TOOLS),
    listTtlMs: () => current?.list.ttlMs,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    invoke,
    status: () => ({
      id,
      state,
      transport: current?.link.transport ?? settings.type,
      ...(current === undefined ? {} : { protocolVersion: current.dialect.version }),
      ...(current?.dialect.serverInfo === undefined ? {} : { serverInfo: current.dialect.serverInfo }),
      ...(problem === undefined ? {} : { problem }),
      ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
      breaker: breaker.state,
      toolCount: state === 'ready' ? (current?.list.tools.length ?? 0) : 0,
      inFlight: gate.inUse,
      queued: gate.queued,
      ...(current?.link.pid === undefined ? {} : { pid: current.link.pid }),
    }),
    close(graceMs) {
      if (closing === undefined) {
        state = 'closed';
        closing = shutDown(graceMs);
        tell();
      }
      return closing;
    },
  };
}

/** What a child gets to end by itself, even where no grace is left. */
const MIN_STOP_MS = 200;
