/**
 * The checkpoints that a ledger is held against: its own, and those that were kept elsewhere. Each is opened, and compared
 * with the tree when the walk over the records comes to where it stands.
 */
import { claimedSize, openCheckpoint, type Checkpoint, type Range, type Verifier } from '../register/index.ts';
import type { Sqlite } from '../sqlite.ts';
import type { ChainPoint } from './chain.ts';

/** A note from somewhere. */
export interface GivenCheckpoint {
  readonly note: string;
  /** Where it was found, for people: a file. */
  readonly from: string;
}

export interface CheckpointFault {
  /** The first record for which nothing vouches any more. */
  readonly seq: number;
  readonly reason: string;
  /** Absent where it is a record that is wrong. */
  readonly checkpoint?: { readonly size: number; readonly from: string };
}

interface Expected extends GivenCheckpoint {
  /** How many records it claims to vouch for. */
  readonly size: number;
  readonly opened: Checkpoint | { readonly reason: string };
}

const OWN = 'the ledger';

export class ExpectedCheckpoints {
  readonly #expected: Expected[];
  readonly #frontier: { readonly size: unknown; readonly hashes: unknown } | undefined;
  #next = 0;
  /** Sizes at which a checkpoint was found to fit, ascending; and those of them that were kept elsewhere. */
  readonly #fitting: number[] = [];
  readonly #fittingGiven: number[] = [];

  constructor(db: Sqlite, given: readonly GivenCheckpoint[], verifier: Verifier | undefined) {
    const has = (table: string): boolean => db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !== undefined;
    const own = has('checkpoints') ? db.prepare<[], { size: number; note: unknown }>('SELECT size, note FROM checkpoints').all() : [];
    this.#frontier = has('frontier') ? db.prepare<[], { size: unknown; hashes: unknown }>('SELECT size, hashes FROM frontier').get() : undefined;
    const opened = own.map(({ size, note }): Expected => {
      const checkpoint = openCheckpoint(String(note), verifier);
      const fits = 'reason' in checkpoint || checkpoint.size === size;
      return { note: String(note), from: OWN, size, opened: fits ? checkpoint : { reason: `it is kept as one of ${size} records and says ${checkpoint.size}` } };
    });
    const others = given.map(({ note, from }): Expected => ({ note, from, size: claimedSize(note) ?? 0, opened: openCheckpoint(note, verifier) }));
    this.#expected = [...opened, ...others].toSorted((a, b) => a.size - b.size);
  }

  /** The most records for which a checkpoint has been found to vouch. */
  get vouched(): number {
    return this.#fitting.at(-1) ?? 0;
  }

  get count(): number {
    return this.#expected.length;
  }

  /** The size from which on there is something to look at. */
  get nextSize(): number {
    return this.#expected[this.#next]?.size ?? Infinity;
  }

  /** Holds the tree of `range` against what stands at its size or before. */
  check(range: Range): CheckpointFault | undefined {
    for (let expected = this.#expected[this.#next]; expected !== undefined && expected.size <= range.size; expected = this.#expected[this.#next]) {
      const { opened, size, from } = expected;
      const first = this.#firstUnvouched(size, from);
      if ('reason' in opened) return { seq: first, reason: `it is forged, or was changed: ${opened.reason}`, checkpoint: { size, from } };
      if (size > 0 && size === range.size && opened.root !== range.root()) {
        const records = first === size ? 'it is not the record' : `this record and those up to ${size} are not the ones`;
        return { seq: first, reason: `${records} that the checkpoint of ${size} records in ${from} was signed over: the ledger was written anew, or is another one` };
      }
      this.#fitting.push(size);
      if (from !== OWN) this.#fittingGiven.push(size);
      this.#next += 1;
    }
    return undefined;
  }

  /**
   * Where a checkpoint that was kept elsewhere does not fit, those in the ledger prove nothing: who has the key can have
   * signed them anew.
   */
  #firstUnvouched(size: number, from: string): number {
    const sound = from === OWN ? this.#fitting : this.#fittingGiven;
    return (sound.findLast((fitting) => fitting < size) ?? 0) + 1;
  }

  /** After the last record: checkpoints beyond it, and what the ledger goes on from. */
  missing(last: ChainPoint, range: Range): CheckpointFault | undefined {
    const beyond = this.#expected.slice(this.#next);
    const forged = beyond.find(({ opened }) => 'reason' in opened);
    const signed = beyond.findLast(({ opened }) => !('reason' in opened));
    if (signed !== undefined) {
      return { seq: last.seq + 1, reason: `it is missing: the ledger ends at seq ${last.seq}, but a checkpoint in ${signed.from} vouches for ${signed.size} records. Its last records were cut off, or this is an old copy` };
    }
    if (forged !== undefined && 'reason' in forged.opened) {
      return { seq: last.seq + 1, reason: `it is forged, or was changed: ${forged.opened.reason}`, checkpoint: { size: forged.size, from: forged.from } };
    }
    return this.#frontierFault(range);
  }

  /** Only the newest one's frontier is kept. */
  #frontierFault(range: Range): CheckpointFault | undefined {
    const newest = this.#expected.findLast(({ from }) => from === OWN)?.size ?? 0;
    const size = this.#frontier === undefined ? 0 : Number(this.#frontier.size);
    if (size === newest) return undefined;
    const reason = size > newest ? `checkpoints were taken out of the ledger: it went on from one of ${size} records, which is gone` : `the hashes that it goes on from are those of ${size} records`;
    return { seq: Math.min(range.size, newest) + 1, reason, checkpoint: { size: Math.max(size, newest), from: OWN } };
  }

  /** Whether the walk stands where the frontier was kept. */
  frontierFault(range: Range): CheckpointFault | undefined {
    if (this.#frontier === undefined || this.#frontier.size !== range.size) return undefined;
    const { hashes } = this.#frontier;
    if (Buffer.isBuffer(hashes) && hashes.equals(range.bytes())) return undefined;
    return { seq: range.size + 1, reason: 'the hashes that it goes on from are not those of its tree', checkpoint: { size: range.size, from: OWN } };
  }
}
