/**
 * What a gateway's report says is wrong, or soon will be: each in words, with what to do. What `status` and `doctor` say of
 * a gateway that runs; quarantined tools they list themselves.
 */
import type { ConnectorStatus } from '../../core/connector.ts';
import type { BudgetUsage } from '../../core/lease.ts';
import { inUnits, LITTLE_SPACE_BYTES } from '../space.ts';
import type { StatusReport } from '../status.ts';
import { problem, warning, type Finding } from './findings.ts';
import { counted, duration } from './print.ts';

/** A budget of which this share is used. */
const NEARLY_USED = 0.8;
/** Records that wait longer than this wait for a disk that is too slow, or gone. */
const LATE_MS = 5000;
/** Clocks are corrected by less than this all the time. */
const CLOCK_SET_MS = 5000;
const MAX_WORDS = 500;

export function troublesOf(report: StatusReport, nowMs: number): Finding[] {
  return [
    ...reloadTroubles(report, nowMs),
    ...ledgerTroubles(report),
    ...spaceTroubles(report),
    ...clockTroubles(report),
    ...registerTroubles(report),
    ...report.servers.flatMap((server) => serverTroubles(server, nowMs)),
    ...lockFileTroubles(report),
    ...approvalTroubles(report, nowMs),
    ...report.budgets.flatMap((budget) => budgetTroubles(budget, nowMs)),
    ...traceTroubles(report),
  ];
}

function reloadTroubles({ reloads: { problem: refused }, config }: StatusReport, nowMs: number): Finding[] {
  if (refused === undefined) return [];
  const message = `the newest one (${duration(nowMs - refused.at)} ago) was not taken on; what was in force before it still is. ${refused.message.slice(0, MAX_WORDS)}`;
  return [problem('Configuration', message, `Correct ${config.source ?? 'it'}; "signalbox check" says whether it is right. It is taken on as soon as it is.`)];
}

function ledgerTroubles({ ledger: { ok, problem: why, lagMs } }: StatusReport): Finding[] {
  const late = lagMs < LATE_MS ? '' : `; the ends of calls have been waiting for it for ${duration(lagMs)}, and are kept`;
  if (!ok) return [problem('Ledger', `cannot be written, so every call is refused: ${why ?? 'the cause is in the log'}${late}`, 'Make room on the disk, or correct what it says. It is tried again by itself, and calls go on then.')];
  if (late === '') return [];
  return [warning('Ledger', `is behind: records have been waiting for the disk for ${duration(lagMs)}`, 'See what keeps the disk of the data directory busy.')];
}

function spaceTroubles({ space }: StatusReport): Finding[] {
  if (space === undefined || space.freeBytes >= LITTLE_SPACE_BYTES) return [];
  return [warning('Disk space', `${inUnits(space.freeBytes)} of ${inUnits(space.totalBytes)} are free where the data is`, 'Make room: calls are refused as soon as the ledger cannot be written.')];
}

function clockTroubles({ clockSetMs }: StatusReport): Finding[] {
  if (Math.abs(clockSetMs) < CLOCK_SET_MS) return [];
  const how = clockSetMs > 0 ? 'forward' : 'back';
  return [warning('Clock', `was set ${how} by ${duration(Math.abs(clockSetMs))} since the gateway started`, 'Times in records jump there; budgets, approvals and keys go by the clock. See that the machine keeps the time (NTP).')];
}

function registerTroubles({ register: { problem: why, places } }: StatusReport): Finding[] {
  return [
    ...(why === undefined ? [] : [problem('Register', `no checkpoint can be made: ${why}`, 'Calls go on, but nothing vouches for their records meanwhile. Correct what it says, and restart the gateway.')]),
    ...places.flatMap(({ place, waiting, problem: refused }) =>
      refused === undefined ? [] : [problem('Register', `${counted(waiting, 'checkpoint')} not delivered to the ${place}: ${refused}`, 'They are tried again, and are in the ledger; look at "audit.checkpoints" in the configuration.')],
    ),
  ];
}

function serverTroubles({ id, state, problem: why, nextAttemptAt, breaker, queued, inFlight, toolCount }: ConnectorStatus, nowMs: number): Finding[] {
  const check = `Server ${id}`;
  const again = nextAttemptAt === undefined ? '' : ` (tried again in ${duration(nextAttemptAt - nowMs)})`;
  const prefix = `server "${id}": `;
  const words = why?.startsWith(prefix) === true ? why.slice(prefix.length) : why;
  if (state === 'connecting') return [warning(check, words ?? 'is still connecting', 'Wait; should it take long, look at its lines in the log of the gateway.')];
  if (state !== 'ready') return [problem(check, `${words ?? state}${again}`, 'Correct that; it is tried again by itself, and its tools are back then.')];
  return [
    ...(toolCount === 0 ? [warning(check, 'is connected, but it has no tools', 'Look at how the server is started: it may need arguments or a login.')] : []),
    ...(breaker === 'closed' ? [] : [warning(check, `has failed repeatedly, so calls are ${breaker === 'open' ? 'refused for a while' : 'let through one at a time'} (circuit breaker ${breaker})`, 'See in the log of the gateway how its calls fail; it is tried again by itself.')]),
    ...(queued === 0 ? [] : [warning(check, `${counted(queued, 'call')} ${queued === 1 ? 'waits' : 'wait'} for a place, ${inFlight} being under way`, 'If the server can do more at once, raise its "concurrency".')]),
  ];
}

function lockFileTroubles({ pins: { file, problem: why } }: StatusReport): Finding[] {
  return why === undefined ? [] : [problem('Lock file', `${file} cannot be read: ${why}`, 'Correct it, or take the last good version back: until then nothing counts as reviewed.')];
}

function approvalTroubles({ approvals: { waiting, oldestAt, problem: why } }: StatusReport, nowMs: number): Finding[] {
  if (why !== undefined) return [problem('Approvals', `cannot be read: ${why}`, 'Calls that need one are refused. Look at approvals.db in the data directory.')];
  if (waiting === 0) return [];
  const oldest = oldestAt === undefined ? '' : `, the oldest for ${duration(nowMs - oldestAt)}`;
  return [warning('Approvals', `${counted(waiting, 'call')} ${waiting === 1 ? 'waits' : 'wait'} for a person${oldest}`, 'See them with "signalbox approvals list", then "signalbox approvals approve ID" or "deny ID".')];
}

function budgetTroubles({ id, unit, limit, period, endsAt, most }: BudgetUsage, nowMs: number): Finding[] {
  const [first] = most;
  if (first === undefined || first.used < limit * NEARLY_USED) return [];
  const whose = first.key === '' ? '' : ` by ${first.key}`;
  const used = `${first.used} of ${limit} ${unit}/${period} used${whose}`;
  const next = `The next period begins in ${duration(endsAt - nowMs)}; should that be too late, raise "limit".`;
  return [warning(`Budget ${id}`, first.used >= limit ? `${used}: calls under it are refused` : used, next)];
}

function traceTroubles({ traces }: StatusReport): Finding[] {
  if (traces?.problem === undefined) return [];
  return [warning('Traces', `cannot be exported: ${traces.problem} (${counted(traces.dropped, 'span')} dropped so far)`, 'Correct "telemetry.traces", or take it out; calls are not held up by it.')];
}
