/** How things stand, in data: what `signalbox status`, `doctor` and the metrics speak from. */
import type { Ledger } from '../core/audit.ts';
import type { ConnectorStatus } from '../core/connector.ts';
import type { StandingCause } from '../core/pin.ts';
import type { JudgedEntry } from './catalog/catalog.ts';
import type { BudgetUsage } from '../core/lease.ts';
import type { Gate } from './http/server.ts';
import type { Pins } from './pins/index.ts';
import { VERSION } from './version.ts';

export interface StatusParts {
  readonly gate: () => Gate;
  readonly connectors: () => ConnectorStatus[];
  readonly pins: Pins;
  readonly ledger: Ledger;
  readonly sessions: { readonly size: number };
  readonly subscriptions: { readonly size: number };
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** A tool that is held back or remarked on. */
export interface HeldTool {
  readonly tool: string;
  readonly cause: StandingCause;
  readonly why: string;
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
  readonly pins: {
    readonly mode: string;
    readonly scan: string;
    readonly file: string;
    readonly reviewed: number;
    /** Why the lock file cannot be read. */
    readonly problem?: string;
    readonly quarantined: readonly HeldTool[];
    readonly noted: readonly HeldTool[];
  };
  readonly ledger: { readonly ok: boolean; readonly problem?: string };
  readonly budgets: readonly BudgetUsage[];
  readonly sessions: number;
  readonly subscriptions: number;
}

export function statusReport(parts: StatusParts): StatusReport {
  const { box } = parts.gate();
  const catalog = box.catalog();
  const { file, problem } = parts.pins.reading();
  return {
    version: VERSION,
    pid: process.pid,
    node: process.version,
    upSeconds: Math.round((Date.now() - parts.startedAt) / 1000),
    config: { source: box.settings.source, hash: box.settings.hash },
    rules: box.rules.count,
    callers: box.settings.callers.length,
    servers: parts.connectors(),
    tools: catalog.entries.length,
    pins: {
      mode: box.settings.pins.mode,
      scan: box.settings.scan.mode,
      file: file.path,
      reviewed: file.tools.size,
      ...(problem === undefined ? {} : { problem }),
      quarantined: catalog.held.map(heldTool),
      noted: catalog.noted.map(heldTool),
    },
    ledger: parts.ledger.health(),
    budgets: box.budgets.usage(Date.now()),
    sessions: parts.sessions.size,
    subscriptions: parts.subscriptions.size,
  };
}

const heldTool = ({ ref, standing }: JudgedEntry): HeldTool => ({ tool: ref, cause: standing.cause, why: standing.why });
