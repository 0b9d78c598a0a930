/** The way down: in which order what the hall opened is closed. */
import type { Server } from 'node:http';
import type { Endpoint } from './mcp/endpoint.ts';
import type { AuthFailures } from './auth-failures.ts';
import type { CallPath } from './call-path.ts';
import type { Rooms } from './rooms.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from '../core/audit.ts';

/** What a child gets between being asked to go and being made to. */
const CHILD_GRACE_MS = 2000;
/** What the last spans get to be sent. */
const TRACES_GRACE_MS = 1000;

interface Closing {
  readonly rooms: Rooms;
  readonly ledger: Ledger;
  readonly path: CallPath;
  readonly server: Server;
  readonly endpoint: Endpoint;
  readonly leases: Leases;
  readonly authFailures: AuthFailures;
}

/** The way down: nobody new, those under way end, then everything that they needed, the ledger last. */
export const createClosing =
  ({ rooms, ledger, path, server, endpoint, leases, authFailures }: Closing) =>
  async (graceMs: number): Promise<void> => {
    const { servers, subscriptions, sessions, register, budgets, keys, flow, pins, tracing } = rooms;
    const { approvals, holding, retention, search } = path;
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

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
