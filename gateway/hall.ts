/**
 * The hall: builds the rooms, connects them, and takes them down again. Everything that lives as long as the process is
 * made here, once; everything that lives as long as a configuration is in a Gate.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ledger } from '../core/audit.ts';
import type { Connector } from '../core/connector.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import { createMcpConnector, createReaper } from '../connectors/index.ts';
import { compileRules, createLimiter, createRedactor, type ReloadableLimiter } from '../policies/index.ts';
import { createKeyStore, createLedger, openSecret, writeGatewayInfo, type DataDirLock, type KeyStore } from '../store/index.ts';
import { createAuthenticator } from './auth.ts';
import { createAuthFailures } from './auth-failures.ts';
import { createBox, type Box } from './box.ts';
import { createCallIds } from './call-id.ts';
import { createSlowSide } from './http/slow-side.ts';
import { createGuard } from './http/guard.ts';
import { createHttpServer, type Gate } from './http/server.ts';
import { createLeases } from './leases.ts';
import { createEndpoint } from './mcp/endpoint.ts';
import { createMethods } from './mcp/methods.ts';
import { createSessions } from './mcp/sessions.ts';
import { createSubscriptions } from './mcp/subscriptions.ts';
import { createCounters } from './metrics.ts';
import { createPipeline, type CallTool } from './pipeline.ts';
import { createCallRecords } from './records.ts';
import { SERVER_INFO } from './mcp/protocol.ts';

export interface HallOptions {
  readonly settings: Settings;
  readonly secrets: SecretSource;
  readonly log: Log;
  /** Held by the caller, who also gives it back after `close`. */
  readonly lock: DataDirLock;
  /** Called when the last lease on it has ended: for a gateway that is there only for who uses it. */
  readonly onDeserted?: () => void;
  /** Asked for by the admin API; answers in words what came of it. */
  readonly onReload?: () => { readonly ok: boolean; readonly message: string };
}

export interface Hall {
  /** `http://HOST:PORT`, where it answers. */
  readonly url: string;
  readonly ledger: Ledger;
  readonly callTool: CallTool;
  readonly newCallId: () => string;
  box(): Box;
  /** Takes a configuration on whole, or throws and keeps the one in force. @throws MissingSecret, and what compiling may throw */
  reload(settings: Settings, secrets: SecretSource): void;
  /** For one that is there only for who uses it: takes no further users, unless a command is at work here. */
  tryLeave(): boolean;
  /** Stops taking calls, lets those under way end (within `graceMs`), closes everything. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/** How often quiet streams get a comment, and idle sessions are looked for. */
const BEAT_MS = 10_000;
/** List changes that come together are announced together. */
const ANNOUNCE_AFTER_MS = 50;

export async function openHall(options: HallOptions): Promise<Hall> {
  const { log, lock } = options;
  const { data } = options.settings;
  const clientInfo = SERVER_INFO as JsonObject;
  const reaper = createReaper();
  const connectors = new Map<string, { readonly connector: Connector; readonly meaning: string; readonly unlisten: () => void }>();
  const keys: KeyStore = createKeyStore(data, { log });
  const sessions = createSessions();
  const subscriptions = createSubscriptions(sessions);
  const counters = createCounters();
  let gate: HallGate;
  let announcing: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  function listChanged(): void {
    gate?.box.catalogChanged();
    announcing ??= setTimeout(() => {
      announcing = undefined;
      subscriptions.announce(gate.box);
    }, ANNOUNCE_AFTER_MS);
  }

  /** Connectors whose settings did not change go on; others are made now, and closed when nothing refers to them. */
  function takeConnectors(settings: Settings, secrets: SecretSource): ReadonlyMap<string, Connector> {
    const wanted = settings.servers.filter((server) => !server.disabled);
    const taken = new Map<string, Connector>();
    for (const server of wanted) {
      const meaning = canonicalJson(server);
      let entry = connectors.get(server.id);
      if (entry?.meaning !== meaning) {
        if (entry !== undefined) dismiss(server.id);
        const connector = createMcpConnector({ settings: server, secrets, log: log.child({ server: server.id }), reaper, clientInfo });
        entry = { connector, meaning, unlisten: connector.onChange(listChanged) };
        connectors.set(server.id, entry);
        connector.start();
      }
      taken.set(server.id, entry.connector);
    }
    for (const id of connectors.keys()) if (!taken.has(id)) dismiss(id);
    return taken;
  }

  function dismiss(id: string): void {
    const entry = connectors.get(id);
    connectors.delete(id);
    entry?.unlisten();
    entry?.connector.close(GRACE_OF_REMOVED_MS).catch((error: unknown) => log.error({ server: id, error: String(error) }, 'a server did not close'));
  }

  function makeGate(settings: Settings, secrets: SecretSource, previous: ReloadableLimiter | undefined): HallGate {
    // What may fail comes first: nothing has changed yet when it throws.
    const authenticate = createAuthenticator({
      callers: settings.callers,
      secrets,
      findKey: (hash) => keys.findByHash(hash),
      operatorToken: lock.info.adminToken,
    });
    const rules = compileRules(settings.rules);
    const limiter = createLimiter(settings.limits, previous === undefined ? {} : { previous });
    const redactor = createRedactor({ extraNames: settings.audit.redact });
    const guard = createGuard(settings.listen);
    const box = createBox({ settings, rules, limiter, redact: (value) => redactor.redact(value), connectors: takeConnectors(settings, secrets) });
    return { box, authenticate, guard, limiter };
  }

  gate = makeGate(options.settings, options.secrets, undefined);
  // Servers are starting by now, in processes of their own; the ledger opens meanwhile.
  const ledger = await createLedger({ dataDir: data, log }).catch(async (error: unknown) => {
    keys.close();
    await Promise.all([...connectors.values()].map(({ connector }) => connector.close(0)));
    reaper.close();
    throw error;
  });
  const records = createCallRecords(openSecret(data).derive('audit-arguments'));
  const callTool = createPipeline({ ledger, records, log, onOutcome: counters.count });
  const newCallId = createCallIds();
  const endpoint = createEndpoint({ methods: createMethods({ callTool, subscriptions, newCallId }), sessions, log });
  const leases = createLeases(options.onDeserted);
  const authFailures = createAuthFailures(ledger);
  const slowSide = createSlowSide({
    gate: () => gate,
    connectors: () => [...connectors.values()].map(({ connector }) => connector.status()),
    ledger,
    keys,
    counters,
    sessions,
    subscriptions,
    leases,
    log,
    startedAt: Date.now(),
    reload: options.onReload,
    isClosing: () => closing !== undefined,
  });
  const server = createHttpServer({
    endpoint,
    current: () => gate,
    other: slowSide,
    onAuthFailure: authFailures.note,
    onFault: (error) => log.error({ error: error instanceof Error ? error.stack : String(error) }, 'fault while handling a request'),
  });
  const url = await listen(server, options.settings);
  writeGatewayInfo(data, { ...lock.info, url, ...(options.onDeserted === undefined ? {} : { temporary: true }) });
  ledger.writeSoon({ kind: 'start', time: Date.now(), version: SERVER_INFO['version'], config: gate.box.settings.hash, policy: gate.box.rules.hash, url });
  const beat = setInterval(() => {
    endpoint.beat();
    subscriptions.beat();
    sessions.sweep();
  }, BEAT_MS);

  async function close(graceMs: number): Promise<void> {
    clearInterval(beat);
    clearTimeout(announcing);
    server.close();
    subscriptions.close();
    await until(() => endpoint.inFlight === 0, graceMs);
    sessions.closeAll();
    leases.close();
    server.closeIdleConnections();
    await Promise.all([...connectors.values()].map(({ connector }) => connector.close(Math.min(graceMs, CHILD_GRACE_MS))));
    server.closeAllConnections();
    reaper.close();
    authFailures.close();
    ledger.writeSoon({ kind: 'stop', time: Date.now() });
    await ledger.close();
    keys.close();
  }

  return {
    url,
    ledger,
    callTool,
    newCallId,
    box: () => gate.box,
    reload(settings, secrets) {
      const before = gate.box.settings.hash;
      gate = makeGate(settings, secrets, gate.limiter);
      ledger.writeSoon({ kind: 'reload', time: Date.now(), ok: true, before, config: settings.hash, policy: gate.box.rules.hash });
      listChanged();
    },
    tryLeave: () => leases.tryLeave(),
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

interface HallGate extends Gate {
  readonly box: ReturnType<typeof createBox>;
  readonly limiter: ReloadableLimiter;
}

/** Calls under way on a server that a new configuration no longer has may take this long to end. */
const GRACE_OF_REMOVED_MS = 60_000;
/** What a child gets between being asked to go and being made to. */
const CHILD_GRACE_MS = 2000;

function listen(server: Server, { listen: { host, port } }: Settings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const { address, port: taken, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`);
    });
  });
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
