/** How things stand, in data: what `signalbox status`, `doctor` and the metrics speak from. */
import type { Ledger } from '../core/audit.ts';
import type { ConnectorStatus } from '../core/connector.ts';
import type { BudgetUsage } from '../core/lease.ts';
import type { Gate } from './http/server.ts';
import { VERSION } from './version.ts';

export interface StatusParts {
  readonly gate: () => Gate;
  readonly connectors: () => ConnectorStatus[];
  readonly ledger: Ledger;
  readonly sessions: { readonly size: number };
  readonly subscriptions: { readonly size: number };
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly node: string;
  readonly upSeconds: number;
  readonly config: { readonly source: string | undefined; readonly hash: string };
  readonly rules: number;
  readonly callers: number;
  readonly servers: readonly ConnectorStatus[];
  readonly tools: number;
  readonly ledger: { readonly ok: boolean; readonly problem?: string };
  readonly budgets: readonly BudgetUsage[];
  readonly sessions: number;
  readonly subscriptions: number;
}

export function statusReport(parts: StatusParts): StatusReport {
  const { box } = parts.gate();
  return {
    version: VERSION,
    pid: process.pid,
    node: process.version,
    upSeconds: Math.round((Date.now() - parts.startedAt) / 1000),
    config: { source: box.settings.source, hash: box.settings.hash },
    rules: box.rules.count,
    callers: box.settings.callers.length,
    servers: parts.connectors(),
    tools: box.catalog().entries.length,
    ledger: parts.ledger.health(),
    budgets: box.budgets.usage(Date.now()),
    sessions: parts.sessions.size,
    subscriptions: parts.subscriptions.size,
  };
}
