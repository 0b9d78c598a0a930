/**
 * The hall: builds the rooms, connects them, and takes them down again. Everything that lives as long as the process is
 * made here, once; everything that lives as long as a configuration is in a Gate.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ledger } from '../core/audit.ts';
import type { Log } from '../core/log.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import type { KnownSecrets } from '../policies/index.ts';
import { createLedger, writeGatewayInfo, type DataDirLock, type PurgeableLedger } from '../store/index.ts';
import type { ApprovalDesk } from './approvals/index.ts';
import { createAuthFailures } from './auth-failures.ts';
import type { Box } from './box.ts';
import { openCallPath } from './call-path.ts';
import { createClosing } from './closing.ts';
import { logFault } from './fault-id.ts';
import { openGate, type OpenGate } from './gate.ts';
import { createSlowSide } from './http/slow-side.ts';
import { createHttpServer } from './http/server.ts';
import { withoutPeersSecrets } from './known-secrets.ts';
import { createLeases } from './leases.ts';
import { createEndpoint } from './mcp/endpoint.ts';
import { createMethods } from './mcp/methods.ts';
import { SERVER_INFO } from './mcp/protocol.ts';
import type { CallTool } from './pipeline.ts';
import { openRooms, type Rooms } from './rooms.ts';

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
  const { log, lock, settings: first } = options;
  const { data } = first;
  let gate: OpenGate;
  let closing: Promise<void> | undefined;
  const rooms = openRooms({ data, log, lock, known: options.known, gate: () => gate, onSessionEnd: (id) => path.approvals.endSession(id) });
  const { sessions, subscriptions, budgets } = rooms;
  gate = openGate(rooms.gateParts, first, options.secrets);
  // Servers are starting by now, in processes of their own; the ledger opens meanwhile.
  const ledger = await openLedger(rooms, data, log);
  await budgets.open(first.budgets);
  const path = openCallPath({ data, log, ledger, rooms, gate: () => gate, purgeAfterMs: options.onDeserted === undefined ? 0 : RETENTION_AFTER_MS });
  const { approvals, holding, retention, search, callTool, newCallId } = path;
  const isClosing = (): boolean => closing !== undefined;
  const endpoint = createEndpoint({ methods: createMethods({ callTool, holding, subscriptions, newCallId }), sessions, log, isClosing });
  const leases = createLeases(options.onDeserted);
  const authFailures = createAuthFailures(ledger);
  const slowSide = createSlowSide({
    ...rooms,
    gate: () => gate,
    desk: approvals.desk,
    connectors: () => rooms.servers.statuses().map((status) => withoutPeersSecrets(status, gate.box)),
    queueTimes: rooms.servers.queueTimes,
    search,
    ledger,
    retention: retention.desk,
    leases,
    log,
    startedAt: Date.now(),
    reload: options.onReload,
    isClosing,
  });
  const server = createHttpServer({
    endpoint,
    current: () => gate,
    other: slowSide,
    onAuthFailure: authFailures.note,
    onFault: (error) => logFault(log, error, 'fault while handling a request'),
  });
  const close = createClosing({ rooms, ledger, path, server, endpoint, leases, authFailures });
  const url = await listen(server, first).then((at) => tellWhere(options, at)).catch(async (error: unknown) => {
    await close(0);
    throw error;
  });
  ledger.writeSoon({ kind: 'start', time: Date.now(), version: SERVER_INFO['version'], config: gate.box.settings.hash, policy: gate.box.rules.hash, url });
  retention.beat();
  const beat = setInterval(() => {
    for (const one of [endpoint, subscriptions, budgets, retention, search]) one.beat();
    for (const one of [sessions, approvals]) one.sweep();
  }, BEAT_MS);

  return {
    url,
    ledger,
    callTool,
    newCallId,
    desk: approvals.desk,
    held: () => holding.size,
    box: () => gate.box,
    ...reloading(rooms, ledger, () => gate, (next) => (gate = next)),
    tryLeave: () => leases.tryLeave(),
    close(graceMs) {
      clearInterval(beat);
      return (closing ??= close(graceMs));
    },
  };
}

/** For commands that look for the gateway of a data directory. */
function tellWhere({ settings: { data }, lock, onDeserted }: HallOptions, url: string): string {
  writeGatewayInfo(data, { ...lock.info, url, ...(onDeserted === undefined ? {} : { temporary: true }) });
  return url;
}

/** @throws LedgerUnavailable; what was opened for it is closed then */
async function openLedger({ register, keys, flow, pins, servers }: Rooms, dataDir: string, log: Log): Promise<PurgeableLedger> {
  try {
    const ledger = await createLedger({ dataDir, log, checkpoints: register.checkpoints });
    pins.recordIn(ledger);
    return ledger;
  } catch (error) {
    keys.close();
    flow.close();
    pins.close();
    await servers.close(0);
    throw error;
  }
}

function reloading(rooms: Rooms, ledger: Ledger, gate: () => OpenGate, swap: (next: OpenGate) => void): Pick<Hall, 'reload' | 'reloadRefused' | 'reloadMended'> {
  const { budgets, reloads, gateParts, listChanged } = rooms;
  return {
    reload(settings, secrets) {
      const before = gate().box.settings.hash;
      swap(openGate(gateParts, settings, secrets, gate()));
      void budgets.open(settings.budgets);
      reloads.taken();
      ledger.writeSoon({ kind: 'reload', time: Date.now(), ok: true, before, config: settings.hash, policy: gate().box.rules.hash });
      listChanged();
    },
    reloadRefused(problem) {
      reloads.refused(problem);
      ledger.writeSoon({ kind: 'reload', time: Date.now(), ok: false, problem: problem.slice(0, MAX_PROBLEM) });
    },
    reloadMended: reloads.mended,
  };
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
