/** What the index keeps of a record. It judges nothing, and knows no database. */
import { own, type JsonObject } from '../../core/json.ts';
import type { Dimension } from './schema.ts';

/** How a call stands, in one word. Absent of what is no call. */
export type SearchOutcome = 'completed' | 'failed' | 'refused' | 'unknown' | 'waiting' | 'open';

/** The end of a call: members of its entry that come later. */
export interface Ending {
  readonly end: number;
  readonly outcome: SearchOutcome;
  readonly code: string | undefined;
  readonly isError: boolean | undefined;
  readonly durationMs: number | undefined;
}

export interface Entry {
  readonly seq: number;
  readonly time: number;
  readonly call: string | undefined;
  /** By dimension, as recorded; `outcome` and `code` too where the record says its end itself. */
  readonly texts: Readonly<Partial<Record<Dimension, string>>>;
  /** It begins a call whose end will come. */
  readonly isOpen: boolean;
}

/** First and last, both included. */
export type SeqRange = readonly [from: number, to: number];

export type Reading =
  | { readonly type: 'entry'; readonly entry: Entry }
  /** The end of a call that began in an earlier record. */
  | { readonly type: 'ending'; readonly call: string; readonly entry: Entry; readonly ending: Ending }
  /** Records whose text was taken out of the ledger. */
  | { readonly type: 'purge'; readonly ranges: readonly SeqRange[]; readonly entry: Entry };

const MEMBERS = ['caller', 'tenant', 'tool', 'effect', 'rule', 'code', 'session', 'trace', 'approval'] as const satisfies readonly Dimension[];
/** Where a refusal waits for a person. */
const WAITING = 'approval_required';

export function readingOf(seq: number, body: JsonObject): Reading {
  const kind = text(body, 'kind') ?? '';
  const call = text(body, 'call');
  const texts: Partial<Record<Dimension, string>> = { kind };
  for (const name of MEMBERS) {
    const value = text(body, name);
    if (value !== undefined) texts[name] = value;
  }
  if (texts.tool === undefined) {
    const name = text(body, 'name');
    if (name !== undefined) texts.name = name;
  }
  const outcome = outcomeOf(kind, body, call);
  if (outcome !== undefined) texts.outcome = outcome;
  const entry: Entry = { seq, time: whole(body, 'time') ?? 0, call, texts, isOpen: outcome === 'open' };
  if (call !== undefined && (kind === 'outcome' || kind === 'unknown')) {
    const isError = own(body, 'isError');
    return {
      type: 'ending',
      call,
      entry,
      ending: {
        end: seq,
        outcome: outcome as SearchOutcome,
        code: texts.code,
        isError: typeof isError === 'boolean' ? isError : undefined,
        durationMs: number(body, 'totalMs'),
      },
    };
  }
  return kind === 'purge' ? { type: 'purge', ranges: rangesOf(body), entry } : { type: 'entry', entry };
}

/** What a purge took: `ranges`, where it says them, since what lies between may have been kept. */
function rangesOf(body: JsonObject): SeqRange[] {
  const ranges = own(body, 'ranges');
  const all: unknown[] = Array.isArray(ranges) ? ranges : [[whole(body, 'from'), whole(body, 'to')]];
  return all.filter((range): range is [number, number] => Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger));
}

const ENDED: readonly string[] = ['completed', 'failed', 'refused', 'waiting'];

function outcomeOf(kind: string, body: JsonObject, call: string | undefined): SearchOutcome | undefined {
  if (call === undefined) return undefined;
  switch (kind) {
    case 'intent':
      return 'open';
    case 'unknown':
      return 'unknown';
    case 'refused':
      return text(body, 'code') === WAITING ? 'waiting' : 'refused';
    case 'outcome': {
      const said = text(body, 'outcome');
      return said !== undefined && ENDED.includes(said) ? (said as SearchOutcome) : 'unknown';
    }
    default:
      return undefined;
  }
}

function text(body: JsonObject, name: string): string | undefined {
  const value = own(body, name);
  return typeof value === 'string' ? value : undefined;
}

function number(body: JsonObject, name: string): number | undefined {
  const value = own(body, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function whole(body: JsonObject, name: string): number | undefined {
  const value = number(body, name);
  return Number.isSafeInteger(value) ? value : undefined;
}
