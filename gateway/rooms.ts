/**
 * What lives as long as the process and needs no ledger: sessions, servers, counters, what is known, counted and pinned.
 * A configuration is put over them by a Gate; calls go through them by the call path.
 */
import type { Log } from '../core/log.ts';
import { createKnownSecrets, type KnownSecrets } from '../policies/index.ts';
import { createKeyStore, openSecret, type DataDirLock, type GatewaySecret, type KeyStore } from '../store/index.ts';
import { createBudgetKeeper, type BudgetKeeper } from './budgets/index.ts';
import { createFlowKeeper, type FlowKeeper } from './flow.ts';
import type { GateParts, OpenGate } from './gate.ts';
import { hideIn } from './known-secrets.ts';
import { SERVER_INFO } from './mcp/protocol.ts';
import { createSessions, type Sessions } from './mcp/sessions.ts';
import { createSubscriptions, type Subscriptions } from './mcp/subscriptions.ts';
import { createCounters, type Counters } from './metrics.ts';
import { createPins, type Pins } from './pins/index.ts';
import { createRegisterKeeper, type RegisterKeeper } from './register/index.ts';
import { createReloads, type Reloads } from './reloads.ts';
import { createHeldResults, type HeldResults } from './results/index.ts';
import { createServers, type Servers } from './servers.ts';
import { createTracing, type Tracing } from './tracing/index.ts';

export interface RoomsOptions {
  readonly data: string;
  readonly log: Log;
  readonly lock: DataDirLock;
  readonly known: KnownSecrets | undefined;
  /** What is in force; undefined until there is one. */
  readonly gate: () => OpenGate | undefined;
  readonly onSessionEnd: (id: string) => void;
}

export interface Rooms {
  readonly keys: KeyStore;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly counters: Counters;
  readonly reloads: Reloads;
  readonly flow: FlowKeeper;
  readonly servers: Servers;
  readonly pins: Pins;
  readonly known: KnownSecrets;
  readonly budgets: BudgetKeeper;
  readonly results: HeldResults;
  readonly tracing: Tracing;
  readonly secret: GatewaySecret;
  readonly register: RegisterKeeper;
  /** What a gate is opened with. */
  readonly gateParts: GateParts;
  /** What callers see may be another list now. */
  listChanged(): void;
}

export function openRooms({ data, log, lock, known: given, gate, onSessionEnd }: RoomsOptions): Rooms {
  const keys = createKeyStore(data, { log });
  // Time that passes: a clock that is set ends no session.
  const sessions = createSessions(() => performance.now(), onSessionEnd);
  const subscriptions = createSubscriptions(sessions);
  const inForce = (): OpenGate => gate() as OpenGate;
  const listChanged = (): void => {
    gate()?.box.catalogChanged();
    subscriptions.announceSoon(() => inForce().box);
  };
  const flow = createFlowKeeper(data, sessions.all);
  const servers = createServers({ log, clientInfo: SERVER_INFO, onChange: listChanged });
  const pins = createPins({ log, onChange: listChanged });
  const known = given ?? createKnownSecrets();
  known.add(lock.info.adminToken);
  const budgets = createBudgetKeeper({ dataDir: data, log });
  const results = createHeldResults();
  const tracing = createTracing({ log, hide: (value) => hideIn(value, known) });
  const secret = openSecret(data);
  return {
    keys,
    sessions,
    subscriptions,
    counters: createCounters({ countsCallers: () => inForce().box.settings.telemetry.metrics.callers }),
    reloads: createReloads(),
    flow,
    servers,
    pins,
    known,
    budgets,
    results,
    tracing,
    secret,
    register: createRegisterKeeper({ dataDir: data, secret, log, settings: () => inForce().box.settings.audit.checkpoints, hook: () => inForce().checkpointHook }),
    gateParts: { keys, servers, results, operatorToken: lock.info.adminToken, known, pins, budgetCounts: budgets.parts, openFlow: flow.open, tracing },
    listChanged,
  };
}
