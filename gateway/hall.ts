/**
 * The hall: builds the rooms, connects them, and takes them down again. Everything that lives as long as the process is
 * made here, once; everything that lives as long as a configuration is in a Gate.
 */
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ledger } from '../core/audit.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import { createKnownSecrets, type KnownSecrets } from '../policies/index.ts';
import { createKeyStore, createLedger, openSecret, writeGatewayInfo, type DataDirLock, type KeyStore } from '../store/index.ts';
import { createApprovalKeeper, type ApprovalDesk, type ApprovalKeeper } from './approvals/index.ts';
import { createSearchKeeper, type SearchKeeper } from './audit/index.ts';
import { createAuthFailures, type AuthFailures } from './auth-failures.ts';
import type { Box } from './box.ts';
import { createBudgetKeeper, type BudgetKeeper } from './budgets/index.ts';
import { createCallIds } from './call-id.ts';
import { logFault } from './fault-id.ts';
import { createFlowKeeper, type FlowKeeper } from './flow.ts';
import { openGate, type OpenGate } from './gate.ts';
import { createSlowSide } from './http/slow-side.ts';
import { createHttpServer } from './http/server.ts';
import { hideIn, withoutPeersSecrets } from './known-secrets.ts';
import { createLeases, type Leases } from './leases.ts';
import { createHolding, type Holding } from './mcp/ask/holding.ts';
import { createEndpoint, type Endpoint } from './mcp/endpoint.ts';
import { createMethods } from './mcp/methods.ts';
import { createSessions, type Sessions } from './mcp/sessions.ts';
import { createSubscriptions, type Subscriptions } from './mcp/subscriptions.ts';
import { createCounters } from './metrics.ts';
import { createPins, type Pins } from './pins/index.ts';
import { createPipeline, type CallTool } from './pipeline.ts';
import { createCallRecords } from './records.ts';
import { createRegisterKeeper, type RegisterKeeper } from './register/index.ts';
import { createReloads } from './reloads.ts';
import { createRetentionKeeper, type RetentionKeeper } from './retention/index.ts';
import { createSealer } from './seal.ts';
import { createHeldResults } from './results/index.ts';
import { createServers, type Servers } from './servers.ts';
import { SERVER_INFO } from './mcp/protocol.ts';
import { createTracing, type Tracing } from './tracing/index.ts';

export interface HallOptions {
  readonly settings: Settings;
  readonly secrets: SecretSource;
  readonly log: Log;
  /** The same that the log hides. */
  readonly known?: KnownSecrets;
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
  readonly desk: ApprovalDesk;
  /** Clients that are kept waiting for a person's word. */
  held(): number;
  box(): Box;
  /** Takes a configuration on whole, or throws and keeps the one in force. @throws MissingSecret, and what compiling may throw */
  reload(settings: Settings, secrets: SecretSource): void;
  /** A configuration that came was not taken on; in words why. */
  reloadRefused(problem: string): void;
  /** The configuration in force is what is configured, again. */
  reloadMended(): void;
  /** For one that is there only for who uses it: takes no further users, unless a command is at work here. */
  tryLeave(): boolean;
  /** Stops taking calls, lets those under way end (within `graceMs`), closes everything. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/** How often quiet streams get a comment, and idle sessions are looked for. */
const BEAT_MS = 10_000;
const MAX_PROBLEM = 2000;
/** A gateway that goes with its users has nothing purged before it has been there for a while. */
const RETENTION_AFTER_MS = 60_000;

export async function openHall(options: HallOptions): Promise<Hall> {
  const { log, lock } = options;
  const { data } = options.settings;
  const keys: KeyStore = createKeyStore(data, { log });
  const sessions = createSessions(Date.now, (id) => approvals.endSession(id));
  const subscriptions = createSubscriptions(sessions);
  const counters = createCounters({ countsCallers: () => gate.box.settings.telemetry.metrics.callers });
  const reloads = createReloads();
  let gate: OpenGate;
  const flow = createFlowKeeper(data, sessions.all);
  let closing: Promise<void> | undefined;

  const listChanged = (): void => {
    gate?.box.catalogChanged();
    subscriptions.announceSoon(() => gate.box);
  };
  const servers = createServers({ log, clientInfo: SERVER_INFO, onChange: listChanged });

  const pins = createPins({ log, onChange: listChanged });
  const known = options.known ?? createKnownSecrets();
  known.add(lock.info.adminToken);
  const budgets = createBudgetKeeper({ dataDir: data, log });
  const results = createHeldResults();
  const tracing = createTracing({ log, hide: (value) => hideIn(value, known) });
  const gateParts = { keys, servers, results, operatorToken: lock.info.adminToken, known, pins, budgetCounts: budgets.parts, openFlow: flow.open, tracing };
  const secret = openSecret(data);
  const register = createRegisterKeeper({ dataDir: data, secret, log, settings: () => gate.box.settings.audit.checkpoints, hook: () => gate.checkpointHook });
  gate = openGate(gateParts, options.settings, options.secrets);
  // Servers are starting by now, in processes of their own; the ledger opens meanwhile.
  const ledger = await createLedger({ dataDir: data, log, checkpoints: register.checkpoints }).catch(async (error: unknown) => {
    keys.close();
    flow.close();
    pins.close();
    await servers.close(0);
    throw error;
  });
  pins.recordIn(ledger);
  await budgets.open(options.settings.budgets);
  const retention = createRetentionKeeper({ dataDir: data, ledger, secret, known, log, settings: () => gate.box.settings, firstAfterMs: options.onDeserted === undefined ? 0 : RETENTION_AFTER_MS, updateIndex: () => search.ask({ type: 'search', filter: {}, limit: 1 }) });
  const records = createCallRecords(secret.derive('audit-arguments'), retention.payloads);
  const approvals = createApprovalKeeper({ dataDir: data, key: secret.derive('approval-arguments'), ledger, records, webhook: () => gate.webhook, log, onSettled: counters.settled });
  const callTool = createPipeline({ known, ledger, records, approve: approvals.phase, results, log, onOutcome: counters.count, onGuarded: counters.guarded, onUpstream: counters.upstream });
  const newCallId = createCallIds();
  const holding = createHolding({ desk: approvals.desk, sealer: createSealer(secret.derive('request-state')), callTool, newCallId, admit: (headers) => admitAnew(gate, headers), log });
  const endpoint = createEndpoint({ methods: createMethods({ callTool, holding, subscriptions, newCallId }), sessions, log, isClosing: () => closing !== undefined });
  const leases = createLeases(options.onDeserted);
  const search = createSearchKeeper({ dataDir: data, log });
  const authFailures = createAuthFailures(ledger);
  const slowSide = createSlowSide({
    gate: () => gate,
    desk: approvals.desk,
    connectors: () => servers.statuses().map((status) => withoutPeersSecrets(status, gate.box)),
    queueTimes: servers.queueTimes,
    tracing,
    reloads,
    pins,
    search,
    ledger,
    register,
    retention: retention.desk,
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
    onFault: (error) => logFault(log, error, 'fault while handling a request'),
  });
  const close = createClosing({ approvals, holding, server, servers, subscriptions, sessions, endpoint, leases, authFailures, ledger, register, retention, budgets, keys, flow, pins, tracing, search });
  const url = await listen(server, options.settings).catch(async (error: unknown) => {
    await close(0);
    throw error;
  });
  writeGatewayInfo(data, { ...lock.info, url, ...(options.onDeserted === undefined ? {} : { temporary: true }) });
  ledger.writeSoon({ kind: 'start', time: Date.now(), version: SERVER_INFO['version'], config: gate.box.settings.hash, policy: gate.box.rules.hash, url });
  retention.beat();
  const beat = setInterval(() => {
    endpoint.beat();
    subscriptions.beat();
    budgets.beat();
    retention.beat();
    sessions.sweep();
    approvals.sweep();
    search.beat();
  }, BEAT_MS);

  return {
    url,
    ledger,
    callTool,
    newCallId,
    desk: approvals.desk,
    held: () => holding.size,
    box: () => gate.box,
    reload(settings, secrets) {
      const before = gate.box.settings.hash;
      gate = openGate(gateParts, settings, secrets, gate);
      void budgets.open(settings.budgets);
      reloads.taken();
      ledger.writeSoon({ kind: 'reload', time: Date.now(), ok: true, before, config: settings.hash, policy: gate.box.rules.hash });
      listChanged();
    },
    reloadRefused(problem) {
      reloads.refused(problem);
      ledger.writeSoon({ kind: 'reload', time: Date.now(), ok: false, problem: problem.slice(0, MAX_PROBLEM) });
    },
    reloadMended: reloads.mended,
    tryLeave: () => leases.tryLeave(),
    close(graceMs) {
      clearInterval(beat);
      return (closing ??= close(graceMs));
    },
  };
}

/** What a child gets between being asked to go and being made to. */
const CHILD_GRACE_MS = 2000;
/** What the last spans get to be sent. */
const TRACES_GRACE_MS = 1000;

interface Closing {
  readonly approvals: ApprovalKeeper;
  readonly holding: Holding;
  readonly server: Server;
  readonly servers: Servers;
  readonly subscriptions: Subscriptions;
  readonly sessions: Sessions;
  readonly endpoint: Endpoint;
  readonly leases: Leases;
  readonly authFailures: AuthFailures;
  readonly ledger: Ledger;
  readonly register: RegisterKeeper;
  readonly retention: RetentionKeeper;
  readonly budgets: BudgetKeeper;
  readonly keys: KeyStore;
  readonly flow: FlowKeeper;
  readonly pins: Pins;
  readonly tracing: Tracing;
  readonly search: SearchKeeper;
}

/** The way down: nobody new, those under way end, then everything that they needed, the ledger last. */
const createClosing =
  ({ approvals, holding, server, servers, subscriptions, sessions, endpoint, leases, authFailures, ledger, register, retention, budgets, keys, flow, pins, tracing, search }: Closing) =>
  async (graceMs: number): Promise<void> => {
    server.close();
    // First of all: who holds a lease looks for another gateway meanwhile.
    leases.close();
    subscriptions.close();
    search.close();
    pins.close();
    holding.close();
    await until(() => endpoint.inFlight === 0, graceMs);
    sessions.closeAll();
    server.closeIdleConnections();
    await servers.close(Math.min(graceMs, CHILD_GRACE_MS));
    server.closeAllConnections();
    authFailures.close();
    await retention.close();
    ledger.writeSoon({ kind: 'stop', time: Date.now() });
    await ledger.close();
    await register.close();
    await tracing.close(TRACES_GRACE_MS);
    await approvals.close();
    await budgets.close();
    keys.close();
    flow.close();
  };

/** For a call that has waited: its sender, and what decides about it, as they are by now. */
function admitAnew({ box, authenticate }: OpenGate, headers: IncomingHttpHeaders): { box: Box; principal: Principal } | undefined {
  const known = authenticate(headers);
  return known.type === 'known' ? { box, principal: known.principal } : undefined;
}

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
