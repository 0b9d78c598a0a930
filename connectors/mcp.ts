/**
 * The connector for one MCP server: connects, stays connected, and lets calls through. Transports, eras and the fate of
 * a single call are told elsewhere; here is only which connection stands, and what happens when it falls.
 */
import type { Connector, ConnectorState, ConnectorStatus, Invocation, InvokeResult } from '../core/connector.ts';
import { Histogram } from '../core/histogram.ts';
import type { JsonObject } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import { compilePatterns } from '../core/pattern.ts';
import type { SecretSource, ServerSettings } from '../core/settings.ts';
import type { UpstreamTool } from '../core/tool.ts';
import { agreeAgain, connect, listBytes, type ConnectEvents, type Remembered } from './connect.ts';
import type { Connection } from './connection.ts';
import { Flight, type FlightHost } from './flight.ts';
import { keepFresh, type Freshness } from './freshness.ts';
import type { Link } from './link.ts';
import { createBackoff } from './resilience/backoff.ts';
import { createBreaker, type Breaker } from './resilience/breaker.ts';
import { createDeadlines, type Deadlines } from './resilience/deadlines.ts';
import { createGate, type Gate } from './resilience/gate.ts';
import type { Reaper } from './stdio/reaper.ts';
import { ListFailed } from './tool-list.ts';

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
const DROP_MS = 1_000;
const NOTHING = (): void => {};
const NO_TOOLS: readonly UpstreamTool[] = [];

/** What a child gets to end by itself, even where no grace is left. */
const MIN_STOP_MS = 200;

export const createMcpConnector = (options: McpConnectorOptions): Connector => new McpConnector(options);

class McpConnector implements Connector, FlightHost, ConnectEvents {
  readonly id: string;
  readonly settled: Promise<void>;
  readonly gate: Gate;
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly retryPauseMs = RETRY_PAUSE_MS;
  readonly queueTimes = new Histogram();
  readonly idempotent: (tool: string) => boolean;
  readonly #options: McpConnectorOptions;
  readonly #log: Log;
  readonly #pauses = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  readonly #listeners = new Set<() => void>();
  readonly #flights: Deadlines<Flight>;
  /** Every link that is not closed yet. */
  readonly #links = new Set<Link>();
  #settle: () => void = NOTHING;
  #state: ConnectorState = 'connecting';
  #problem: string | undefined;
  #current: Connection | undefined;
  #freshness: Freshness | undefined;
  #recovering: Promise<void> | undefined;
  #remembered: Remembered | undefined;
  #nextAttemptAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #readyAt = 0;
  #wasTried = false;
  #lastId = 0;

  constructor(options: McpConnectorOptions) {
    const { settings, now = () => performance.now() } = options;
    this.id = settings.id;
    this.#log = options.log.child({ server: settings.id });
    this.#options = { ...options, log: this.#log };
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.gate = createGate(settings.concurrency, settings.queue);
    this.breaker = createBreaker({ now, onChange: () => this.#breakerChanged() });
    this.timeoutMs = settings.timeoutMs;
    this.idleTimeoutMs = settings.idleTimeoutMs;
    this.#flights = createDeadlines(Math.min(settings.timeoutMs, settings.idleTimeoutMs));
    this.maxResponseBytes = settings.maxResponseBytes;
    this.idempotent = settings.idempotent.length === 0 ? () => false : compilePatterns(settings.idempotent);
  }

  // The port.

  start(): void {
    if (this.#attempting !== undefined || this.#closing !== undefined) return;
    this.#attempting = this.#attempt();
  }

  tools(): readonly UpstreamTool[] {
    return this.#state === 'ready' && this.#current !== undefined ? this.#current.list.tools : NO_TOOLS;
  }

  listTtlMs(): number | undefined {
    return this.#current?.list.ttlMs;
  }

  confirmedAt(): number {
    return this.#state === 'ready' && this.#current !== undefined ? this.#current.list.askedAt : -Infinity;
  }

  async refresh(): Promise<void> {
    const connection = this.#current;
    const handshake = connection?.handshakes ?? 0;
    try {
      await this.#listAgain().catch((error: unknown) => {
        const isSessionLost = error instanceof ListFailed && error.broken?.sessionLost === true;
        if (connection === undefined || !isSessionLost) throw error;
        return this.recover(connection, handshake).then(() => this.#listAgain());
      });
    } catch (error) {
      throw new Error(`server "${this.id}": ${(error as Error).message}`, { cause: error });
    }
  }

  #listAgain(): Promise<void> {
    return this.#freshness?.refresh() ?? Promise.reject(new Error('it is not connected'));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  invoke(invocation: Invocation): Promise<InvokeResult> {
    return new Promise((resolve) => {
      const flight = new Flight(this, invocation, resolve);
      this.#flights.add(flight);
      flight.start();
    });
  }

  status(): ConnectorStatus {
    const current = this.#current;
    const serverInfo = current?.dialect.serverInfo;
    const pid = current?.link.pid;
    return {
      id: this.id,
      state: this.#state,
      transport: current?.link.transport ?? this.#options.settings.type,
      ...(current === undefined ? {} : { protocolVersion: current.dialect.version }),
      ...(serverInfo === undefined ? {} : { serverInfo }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      ...(this.#nextAttemptAt === undefined ? {} : { nextAttemptAt: this.#nextAttemptAt }),
      breaker: this.breaker.state,
      toolCount: this.tools().length,
      inFlight: this.gate.inUse,
      queued: this.gate.queued,
      ...(pid === undefined ? {} : { pid }),
    };
  }

  close(graceMs: number): Promise<void> {
    if (this.#closing === undefined) {
      this.#state = 'closed';
      this.#problem = undefined;
      this.#closing = this.#shutDown(graceMs);
      this.#tell();
    }
    return this.#closing;
  }

  // Connecting, standing, falling.

  async #attempt(): Promise<void> {
    this.#nextAttemptAt = undefined;
    try {
      const connection = await connect({ ...this.#options, nextId: this.#nextId, remembered: this.#remembered, events: this });
      if (this.#closing !== undefined) this.#drop(connection.link);
      else if (connection.link.ended) throw new Error(connection.link.ended);
      else this.#stand(connection);
    } catch (error) {
      // What was remembered of the server may be false by now.
      this.#remembered = undefined;
      if (this.#closing === undefined) this.#fall((error as Error).message);
    } finally {
      this.#settle();
    }
  }

  #stand(connection: Connection): void {
    const { settings } = this.#options;
    this.#current = connection;
    this.#remembered = { era: connection.dialect.era, transport: connection.link.transport };
    this.#readyAt = performance.now();
    this.#state = 'ready';
    this.#problem = undefined;
    this.breaker.reset();
    this.#freshness = keepFresh({
      connection,
      log: this.#log,
      timeoutMs: settings.connectTimeoutMs,
      maxBytes: listBytes(settings),
      changed: () => this.#tell(),
      failed: (error) => this.#log.warn({ problem: (error as Error).message }, 'the tools could not be listed again; the last list stays'),
    });
    this.#log.info({ transport: connection.link.transport, protocolVersion: connection.dialect.version, tools: connection.list.tools.length }, 'connected');
    this.#tell();
  }

  #fall(why: string): void {
    this.#freshness?.stop();
    this.#freshness = undefined;
    if (this.#current !== undefined) {
      this.#retire(this.#current);
      if (performance.now() - this.#readyAt >= STEADY_MS) this.#pauses.reset();
    }
    this.#current = undefined;
    this.#recovering = undefined;
    this.#problem = `server "${this.id}": ${why}`;
    this.#state = 'failed';
    const pauseMs = this.#pauses.next();
    this.#nextAttemptAt = Date.now() + pauseMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#attempting = this.#attempt()), pauseMs);
    this.#log.warn({ problem: this.#problem, retryInMs: pauseMs }, 'not connected');
    this.#tell();
  }

  /** A process that does not answer the call either which was to show whether it is back (stopped, or in a loop) stays so. */
  #breakerChanged(): void {
    const { state } = this.breaker;
    this.#log.info({ breaker: state }, 'circuit breaker');
    const isStuck = state === 'open' && this.#wasTried;
    this.#wasTried = state === 'half-open';
    if (isStuck && this.#closing === undefined && this.#current?.link.pid !== undefined) this.#fall('its process no longer answered calls, and is started anew');
  }

  /** Calls under way on it may still be answered. */
  #retire(connection: Connection): void {
    if (connection.users === 0) this.#drop(connection.link);
    else connection.idle = () => this.#drop(connection.link);
  }

  #drop(link: Link): void {
    void link.close(DROP_MS).then(() => this.#links.delete(link));
  }

  async #shutDown(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#freshness?.stop();
    this.#nextAttemptAt = undefined;
    const deadline = performance.now() + graceMs;
    for (const flight of this.#flights) flight.close(false);
    while (this.#flights.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const flight of this.#flights) flight.close(true);
    this.#flights.stop();
    await this.#closeLinks(Math.max(deadline - performance.now(), MIN_STOP_MS));
    await this.#attempting; // Ends, now that its link is closed.
    await this.#closeLinks(MIN_STOP_MS);
    this.#current = undefined;
    this.#settle();
  }

  async #closeLinks(graceMs: number): Promise<void> {
    await Promise.all(Array.from(this.#links, (link) => link.close(graceMs)));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  readonly #nextId = (): number => ++this.#lastId;

  // What links report.

  opened(link: Link): void {
    this.#links.add(link);
    if (this.#closing !== undefined) this.#drop(link);
  }

  toolsChanged(link: Link): void {
    if (this.#current?.link === link) this.#freshness?.refreshSoon();
  }

  down(link: Link, why: string): void {
    if (this.#closing === undefined && this.#current?.link === link) this.#fall(why);
  }

  sessionLost(link: Link): void {
    if (this.#current?.link === link) this.recover(this.#current, this.#current.handshakes).catch(NOTHING);
  }

  // What flights ask for.

  connection(): Connection | { readonly problem: string; readonly retryAfterMs?: number } {
    if (this.#current !== undefined) return this.#current;
    if (this.#closing !== undefined) return { problem: 'it has been closed' };
    if (this.#state === 'connecting') return { problem: 'it is still connecting' };
    const problem = 'it is not connected; "signalbox status" says why, and it is tried again by itself';
    return this.#nextAttemptAt === undefined ? { problem } : { problem, retryAfterMs: Math.max(0, this.#nextAttemptAt - Date.now()) };
  }

  get recovering(): Promise<void> | undefined {
    return this.#recovering;
  }

  /** All that meet a lost session share one new handshake. */
  recover(connection: Connection, handshake: number): Promise<void> {
    if (connection.handshakes !== handshake) return Promise.resolve();

    if (connection !== this.#current || this.#closing !== undefined) return Promise.reject(new Error('the connection has been replaced'));
    this.#recovering ??= this.#reopen(connection).finally(() => {
      this.#recovering = undefined;
    });
    return this.#recovering;
  }

  async #reopen(connection: Connection): Promise<void> {
    const remembered = connection.dialect.era === 'legacy' ? 'legacy' : undefined;
    try {
      connection.dialect = await agreeAgain({ ...this.#options, nextId: this.#nextId }, connection.link, remembered);
      connection.handshakes++;
      this.#log.info({ protocolVersion: connection.dialect.version }, 'the upstream had lost the session; it was opened again');
      this.#freshness?.refreshSoon();
    } catch (error) {
      this.#remembered = undefined;
      if (connection === this.#current && this.#closing === undefined) this.#fall((error as Error).message);
      throw error;
    }
  }

  relist(connection: Connection): Promise<void> {
    return connection === this.#current && this.#freshness !== undefined ? this.#freshness.refresh() : Promise.resolve();
  }

  unreachable(connection: Connection, why: string): void {
    if (connection === this.#current && this.#closing === undefined) this.#fall(why);
  }

  ended(flight: Flight): void {
    this.#flights.delete(flight);
  }
}
