/**
 * Which records a purge takes: those older than a moment, without such as a hold covers, such as must stay, and such as are
 * gone already. It reads only; who takes the text out is the ledger.
 */
import type { RecordBody, RecordKind } from '../../core/audit.ts';
import { unpackPage } from '../ledger/page.ts';
import type { SeqRange } from '../ledger/blank.ts';
import { holds, type Hold } from './holds.ts';
import { openPages } from './pages.ts';

export interface PurgeRequest {
  readonly dataDir: string;
  /** Records of before, epoch milliseconds. */
  readonly beforeMs: number;
  /** None from here on (`PurgeableLedger.settledBelow`). */
  readonly belowSeq: number;
  readonly nowMs: number;
  readonly holds: readonly Hold[];
}

export interface PurgePlan {
  /** Ascending, none touching another. */
  readonly ranges: readonly SeqRange[];
  readonly count: number;
  /** Records that are old enough and that a hold keeps. */
  readonly held: number;
}

/** By these a verification knows what was purged, and a start which holds are in force; and that keys were erased. */
const KEPT: ReadonlySet<RecordKind> = new Set(['purge', 'hold', 'erase']);

export async function planPurge({ dataDir, beforeMs, belowSeq, nowMs, holds: inForce }: PurgeRequest): Promise<PurgePlan> {
  const ranges: [number, number][] = [];
  let [count, held] = [0, 0];
  const heldCalls = createHeldCalls(inForce);
  const pages = openPages(dataDir);
  try {
    for await (const page of pages.from(0)) {
      if (page.first >= belowSeq) break;
      let isYoung = true;
      for (const { seq, body } of unpackPage(page)) {
        if (body === '') isYoung = false;
        if (body === '' || seq >= belowSeq) continue;
        const record = JSON.parse(body) as RecordBody;
        const { time } = record;
        const isHeld = heldCalls(record, time);
        // From a clock that was ahead: not young, and not known to be old.
        if (time < beforeMs || time > nowMs) isYoung = false;
        if (time >= beforeMs) continue;
        if (KEPT.has(record.kind)) continue;
        if (isHeld) {
          held += 1;
          continue;
        }
        count += 1;
        const range = ranges.at(-1);
        if (range?.[1] === seq - 1) range[1] = seq;
        else ranges.push([seq, seq]);
      }
      // Times ascend, but for clocks that were set back: what they hide is found once this page is old.
      if (isYoung) break;
    }
  } finally {
    pages.close();
  }
  return { ranges, count, held };
}

/** Whether a hold covers a record; the end of a call says nothing of its caller, so its beginning is remembered. */
function createHeldCalls(inForce: readonly Hold[]): (record: RecordBody, time: number) => boolean {
  if (inForce.length === 0) return () => false;
  const covered = new Set<string>();
  return (record, time) => {
    const { kind, call, tenant, caller } = record as RecordBody & { call?: string; tenant?: string; caller?: string };
    const isCovered = inForce.some((hold) => holds(hold, { tenant, caller, time }));
    if (call === undefined) return isCovered;
    if (kind === 'intent' && isCovered) covered.add(call);
    if (kind !== 'outcome' && kind !== 'unknown') return isCovered;
    return covered.delete(call) || isCovered;
  };
}

/** `ranges` in pieces of at most so many ranges and records. */
export function* slicesOf(ranges: readonly SeqRange[], maxRanges: number, maxRecords: number): Generator<SeqRange[]> {
  let slice: SeqRange[] = [];
  let records = 0;
  for (const [first, last] of ranges) {
    for (let from = first; from <= last; ) {
      const to = Math.min(last, from + (maxRecords - records) - 1);
      slice.push([from, to]);
      records += to - from + 1;
      from = to + 1;
      if (slice.length < maxRanges && records < maxRecords) continue;
      yield slice;
      slice = [];
      records = 0;
    }
  }
  if (slice.length > 0) yield slice;
}
