/**
 * A purge from beginning to end: what it takes is said in a durable record, then the text goes, in pieces so small that no
 * commit waits long. Stopped anywhere, it is done again from its beginning, and takes what is left.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { AuditRecord } from '../../core/audit.ts';
import type { Log } from '../../core/log.ts';
import { planPurge, readRetention, SEARCH_FILE, slicesOf, writeRetention, type BegunPurge, type PurgeableLedger, type PurgePlan } from '../../store/index.ts';

export interface PurgeParts {
  readonly dataDir: string;
  readonly ledger: PurgeableLedger;
  readonly log: Log;
  readonly now: () => number;
  /** Hash of the configuration in force. */
  readonly configHash: () => string;
  /** Has the index of the ledger take over what was purged: it reads that from the ledger. */
  readonly updateIndex: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

export interface Purged {
  readonly records: number;
  /** Old enough, and kept by a hold. */
  readonly held: number;
  /** Records older than this were meant: what was asked for, or the beginning of the month. */
  readonly beforeMs: number;
  /** False where the write-ahead log could not be emptied yet, or the index not be brought up to date: it is tried again. */
  readonly isComplete: boolean;
}

const RANGES_PER_RECORD = 1000;
const RANGES_PER_SLICE = 16;
const RECORDS_PER_SLICE = 64;
const LOG_TRIES = 20;
const LOG_RETRY_MS = 100;

export async function purge(parts: PurgeParts, begun: BegunPurge): Promise<Purged> {
  const { dataDir, ledger, signal } = parts;
  const state = await readRetention(dataDir);
  const { plan, beforeMs } = await planOf(parts, begun);
  if (plan.count === 0 && state.purge === undefined) return { records: 0, held: plan.held, beforeMs, isComplete: true };
  writeRetention(dataDir, { ...state, purge: begun });
  await say(parts, plan, { ...begun, beforeMs }).catch((error: unknown) => {
    // Nothing has gone yet, so nothing has to be finished.
    writeRetention(dataDir, state);
    throw error;
  });
  ledger.checkpointNow();
  for (const ranges of slicesOf(plan.ranges, RANGES_PER_SLICE, RECORDS_PER_SLICE)) {
    signal.throwIfAborted();
    const since = performance.now();
    await ledger.blank(ranges);
    // As long at rest as at work: commits and the disk have the other half.
    await pause(performance.now() - since);
  }
  const isComplete = (await indexed(parts)) && (await emptied(parts));
  // Read again: holds may have come meanwhile.
  if (isComplete) writeRetention(dataDir, { holds: (await readRetention(dataDir)).holds });
  return { records: plan.count, held: plan.held, beforeMs, isComplete };
}

/** Durable when it resolves. */
async function say({ ledger, now, configHash }: PurgeParts, plan: PurgePlan, begun: BegunPurge): Promise<void> {
  for (const ranges of slicesOf(plan.ranges, RANGES_PER_RECORD, Infinity)) await ledger.write(tombstone(ranges, plan, begun, now(), configHash()));
}

/** What a purge would take now. Records of this month stay: budgets are counted from them. */
export async function planOf({ dataDir, ledger, now }: PurgeParts, { beforeMs }: Pick<BegunPurge, 'beforeMs'>): Promise<{ plan: PurgePlan; beforeMs: number }> {
  const date = new Date(now());
  const before = Math.min(beforeMs, Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  const { holds } = await readRetention(dataDir);
  return { plan: await planPurge({ dataDir, beforeMs: before, belowSeq: ledger.settledBelow(), nowMs: date.getTime(), holds }), beforeMs: before };
}

function tombstone(ranges: readonly (readonly [number, number])[], plan: PurgePlan, { beforeMs, reason, by }: BegunPurge, time: number, configHash: string): AuditRecord {
  const count = ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  return { kind: 'purge', time, from: ranges[0]?.[0], to: ranges.at(-1)?.[1], count, ranges, before: beforeMs, reason, by, held: plan.held, config: configHash.slice(0, 16) };
}

async function indexed({ dataDir, log, updateIndex }: PurgeParts): Promise<boolean> {
  if (!existsSync(join(dataDir, SEARCH_FILE))) return true;
  try {
    await updateIndex();
    return true;
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'words of purged records may stand in the index of the ledger still; it is tried again');
    return false;
  }
}

async function emptied({ ledger, log, signal }: PurgeParts): Promise<boolean> {
  for (let tries = 0; tries < LOG_TRIES; tries++) {
    signal.throwIfAborted();
    if (await ledger.emptyLog()) return true;
    await pause(LOG_RETRY_MS);
  }
  log.warn({}, 'purged text may stand in the write-ahead log still, since another program reads the ledger; it is tried again');
  return false;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
