/** How things stand, in data: what `signalbox status`, `doctor` and the metrics speak from. */
import { performance } from 'node:perf_hooks';
import type { Approvals } from '../core/approval.ts';
import type { Ledger } from '../core/audit.ts';
import type { ConnectorStatus } from '../core/connector.ts';
import type { StandingCause } from '../core/pin.ts';
import type { JudgedEntry } from './catalog/catalog.ts';
import type { BudgetUsage } from '../core/lease.ts';
import { freeSpace, type Space } from './space.ts';
import type { Gate } from './http/server.ts';
import type { Pins } from './pins/index.ts';
import type { RegisterKeeper, RegisterStatus } from './register/index.ts';
import type { Reloads, ReloadStatus } from './reloads.ts';
import type { Tracing, TracingStatus } from './tracing/index.ts';
import { VERSION } from './version.ts';

export interface StatusParts {
  readonly gate: () => Gate;
  readonly connectors: () => ConnectorStatus[];
  readonly pins: Pins;
  readonly ledger: Ledger;
  readonly register: Pick<RegisterKeeper, 'status'>;
  readonly desk: { readonly approvals: Approvals };
  readonly reloads: Pick<Reloads, 'status'>;
  readonly tracing: Pick<Tracing, 'status'>;
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
  readonly reloads: ReloadStatus;
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
  readonly register: RegisterStatus;
  readonly ledger: { readonly ok: boolean; readonly problem?: string; readonly lagMs: number; readonly written: number };
  /** Requests that wait for a person; `oldestAt` in epoch milliseconds. */
  readonly approvals: { readonly waiting: number; readonly oldestAt?: number; readonly problem?: string };
  readonly budgets: readonly BudgetUsage[];
  readonly sessions: number;
  readonly subscriptions: number;
  /** Of the data directory; absent where the system does not say. */
  readonly space?: Space;
  /** How far the clock has been set since the start, in ms; forward is positive. */
  readonly clockSetMs: number;
  /** Absent where calls are not traced. */
  readonly traces?: TracingStatus;
}

/** As many requests as may wait at all. */
const MAX_WAITING = 2000;

export function statusReport(parts: StatusParts): StatusReport {
  const { box } = parts.gate();
  const catalog = box.catalog();
  const { file, problem } = parts.pins.reading();
  const space = freeSpace(box.settings.data);
  const traces = parts.tracing.status();
  const { lagMs, written } = parts.ledger.stats();
  return {
    version: VERSION,
    pid: process.pid,
    node: process.version,
    upSeconds: Math.round((Date.now() - parts.startedAt) / 1000),
    config: { source: box.settings.source, hash: box.settings.hash },
    reloads: parts.reloads.status(),
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
    register: parts.register.status(),
    ledger: { ...parts.ledger.health(), lagMs: Math.round(lagMs), written },
    approvals: waiting(parts.desk.approvals),
    budgets: box.budgets.usage(Date.now()),
    sessions: parts.sessions.size,
    subscriptions: parts.subscriptions.size,
    ...(space === undefined ? {} : { space }),
    clockSetMs: Math.round(Date.now() - (performance.timeOrigin + performance.now())),
    ...(traces === undefined ? {} : { traces }),
  };
}

const heldTool = ({ ref, standing }: JudgedEntry): HeldTool => ({ tool: ref, cause: standing.cause, why: standing.why });

function waiting(approvals: Approvals): StatusReport['approvals'] {
  try {
    const pending = approvals.list({ state: 'pending', limit: MAX_WAITING }, Date.now());
    const oldest = pending.at(-1);
    return { waiting: pending.length, ...(oldest === undefined ? {} : { oldestAt: oldest.createdAt }) };
  } catch (error) {
    return { waiting: 0, problem: (error as Error).message };
  }
}
