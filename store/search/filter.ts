/** What can be asked for, and what is answered. Types only. */
import type { RecordKind } from '../../core/audit.ts';
import type { Effect } from '../../core/decision.ts';
import type { SearchOutcome } from './entry.ts';

/** All that are given must hold. Without any, every record is meant. */
export interface SearchFilter {
  readonly caller?: string;
  /** Pattern over `server/tool`. */
  readonly tool?: string;
  readonly server?: string;
  readonly decision?: Effect;
  readonly rule?: string;
  readonly outcome?: SearchOutcome;
  readonly code?: string;
  readonly call?: string;
  readonly session?: string;
  readonly trace?: string;
  readonly approval?: string;
  /** Epoch milliseconds, both included. */
  readonly since?: number;
  readonly until?: number;
  /** Words that occur in the record, in any order; one that ends in `*` is the beginning of one. */
  readonly text?: string;
}

/** A call (its first record, joined with its end), or another record. */
export interface SearchEntry {
  readonly seq: number;
  /** Of the record that ended the call. */
  readonly end?: number;
  readonly time: number;
  /** A ledger may hold kinds that a later version wrote. */
  readonly kind: RecordKind | (string & {});
  readonly caller?: string;
  readonly tenant?: string;
  /** `server/tool`. */
  readonly tool?: string;
  /** As it was asked for, where that led to no tool. */
  readonly name?: string;
  readonly decision?: Effect;
  readonly rule?: string;
  /** `open`: it has not ended. */
  readonly outcome?: SearchOutcome;
  readonly code?: string;
  readonly isError?: boolean;
  readonly durationMs?: number;
  readonly call?: string;
  readonly session?: string;
  readonly trace?: string;
  readonly approval?: string;
}

export interface SearchPage {
  /** Newest first. */
  readonly entries: readonly SearchEntry[];
  /** What `before` is for the next page; absent where this is the last. */
  readonly next?: number;
}
