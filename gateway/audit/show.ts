/** Everything about one call, or one other record: its entry, its records as they lie in the ledger, and its neighbours. */
import type { LedgerReader } from '../../core/audit.ts';
import { readChecked, type SearchEntry, type SearchIndex } from '../../store/index.ts';

export interface ShownRecord {
  readonly seq: number;
  readonly hash: string;
  /** The exact text; empty where it was purged. */
  readonly body: string;
  /** In words, what does not fit; absent where its hash and its place fit, or its text was purged. */
  readonly problem?: string;
}

export interface Shown {
  readonly entry: SearchEntry;
  readonly records: readonly ShownRecord[];
  /** `seq` of the records beside it in the ledger, and of the entries beside it in its session. */
  readonly neighbours: { readonly before?: number; readonly after?: number; readonly beforeInSession?: number; readonly afterInSession?: number };
}

/** Calls of one id that are shown: one that waited comes in again under it. */
const MAX_ENTRIES = 20;

/** @param what a `seq`, or the id of a call; nothing where there is none of it */
export function shownOf(index: SearchIndex, reader: LedgerReader, what: number | string): Shown[] {
  if (typeof what === 'string') return index.search({ call: what }, { limit: MAX_ENTRIES }).entries.toReversed().map((entry) => shown(index, reader, entry));
  const entry = index.entryOf(what);
  if (entry !== undefined) return [shown(index, reader, entry)];
  // Its text was taken out, or is none of ours: nothing tells what it was, but that it is there.
  return readChecked(reader, what) === undefined ? [] : [shown(index, reader, { seq: what, time: 0, kind: '' })];
}

function shown(index: SearchIndex, reader: LedgerReader, entry: SearchEntry): Shown {
  const { seq, end, session } = entry;
  const records = [seq, ...(end === undefined || end === seq ? [] : [end])].flatMap((one) => {
    const checked = readChecked(reader, one);
    return checked === undefined ? [] : [{ seq: one, hash: checked.record.hash, body: checked.record.body, ...(checked.problem === undefined ? {} : { problem: checked.problem }) }];
  });
  const before = seq > 1 ? seq - 1 : undefined;
  const after = reader.after(seq, 1)[0]?.seq;
  const beforeInSession = session === undefined ? undefined : index.search({ session }, { limit: 1, before: seq }).entries[0]?.seq;
  const afterInSession = session === undefined ? undefined : index.nextAfter({ session }, seq)?.seq;
  const present = Object.fromEntries(Object.entries({ before, after, beforeInSession, afterInSession }).filter(([, value]) => value !== undefined));
  return { entry, records, neighbours: present };
}
