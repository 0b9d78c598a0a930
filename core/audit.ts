/** One fact, and the append-only sequence of them. */
import type { HistogramReading } from './histogram.ts';
import type { JsonObject } from './json.ts';

export type RecordKind = 'start' | 'stop' | 'reload' | 'auth' | 'refused' | 'intent' | 'outcome' | 'unknown' | 'keys' | 'pins' | 'approval' | 'access' | 'erase' | 'hold' | 'purge';

/** A record before the ledger numbers and chains it. Members other than these are the kind's own. */
export interface AuditRecord {
  readonly kind: RecordKind;
  /** Epoch milliseconds. */
  readonly time: number;
  /** The call that it speaks of. */
  readonly call?: string;
  readonly [member: string]: unknown;
}

/** A record that its maker has written out already, because it is made for every call. */
export interface WrittenRecord {
  readonly kind: RecordKind;
  readonly call?: string;
  /** The whole record as one JSON object without line feeds; has `kind` and `time`, and neither `seq` nor `prev`. */
  readonly written: string;
}

export type LedgerEntry = AuditRecord | WrittenRecord;

/** A record as it is kept: `seq` without gaps from 1, `prev` the hash of the record before (64 zeros at first). */
export interface StoredRecord {
  readonly seq: number;
  /** The record's exact text: JSON that begins with `seq` and `prev`. Empty where it was purged. */
  readonly body: string;
  /** SHA-256 (hex) of the byte 0x00 and `body`: the leaf of a Merkle tree (RFC 9162, section 2.1.1). */
  readonly hash: string;
}

export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}

/**
 * Single writer for a data directory. Records are kept in the order of the calls made here.
 */
export interface Ledger {
  /**
   * Resolves when the record is durable (fdatasync done).
   * @throws LedgerUnavailable when it cannot be written; then it is not, and will not be.
   */
  write(record: LedgerEntry): Promise<void>;
  /**
   * Goes with the next commit, within `lagMs` at the latest; kept in memory and tried again for as long as the ledger
   * cannot be written, so that the end of a call that happened is never lost while the process lives.
   */
  writeSoon(record: LedgerEntry): void;
  /** Whether the last attempt to write worked, and in words why not. */
  health(): { readonly ok: boolean; readonly problem?: string };
  /** For whoever watches the process. */
  stats(): LedgerStats;
  /** Commits what is pending and closes. */
  close(): Promise<void>;
}

export interface LedgerStats {
  /** Made durable since the process began. */
  readonly written: number;
  /** From a batch's being sent to the disk until it is durable. */
  readonly commits: HistogramReading;
  /** How long the oldest record that is not durable has been waiting; 0 where none waits. */
  readonly lagMs: number;
}

/** Records read back, oldest first. */
export interface LedgerReader {
  tail(count: number): StoredRecord[];
  after(seq: number, limit: number): StoredRecord[];
  close(): void;
}

export type RecordBody = JsonObject & { seq: number; prev: string; kind: RecordKind; time: number };
