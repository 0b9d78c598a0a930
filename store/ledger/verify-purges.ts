/**
 * Records without text: each must be named by a later `purge` record, which says who took the text out and why. Their
 * hashes stay in the chain and in the tree.
 */
import type { Fault } from './verify-records.ts';

interface Purge {
  readonly seq: number;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

export class Purges {
  /** Runs of records without text, first and last `seq`. */
  readonly #runs: [from: number, to: number][] = [];
  readonly #purges: Purge[] = [];
  records = 0;

  /** A record whose text is the empty one. */
  emptied(seq: number): void {
    this.records += 1;
    const run = this.#runs.at(-1);
    if (run !== undefined && run[1] === seq - 1) run[1] = seq;
    else this.#runs.push([seq, seq]);
  }

  /** A record of the kind `purge`: `ranges`, or one from `from` to `to`. */
  purge(seq: number, { ranges, from, to }: Readonly<Record<string, unknown>>): void {
    const pairs = (Array.isArray(ranges) ? ranges : [[from, to]]) as unknown[];
    this.#purges.push({ seq, ranges: pairs.filter(isRange) });
  }

  /** The first record without text that no purge speaks of. */
  fault(): Fault | undefined {
    for (const [from, to] of this.#runs) {
      for (let seq = from; seq <= to; ) {
        const end = this.#coveredTo(seq);
        if (end === undefined) return { seq, reason: 'its text is gone, and no later record of the kind "purge" says that it was taken out' };
        seq = end + 1;
      }
    }
    return undefined;
  }

  /** How far a purge that speaks of this record goes. */
  #coveredTo(seq: number): number | undefined {
    for (const purge of this.#purges) {
      if (purge.seq <= seq) continue;
      for (const [from, to] of purge.ranges) if (from <= seq && seq <= to) return Math.min(to, purge.seq - 1);
    }
    return undefined;
  }

  /** Whether each purge is among the first `size` records, for which a checkpoint vouches. */
  areWithin(size: number): boolean {
    return this.#purges.every(({ seq }) => seq <= size);
  }
}

const isRange = (value: unknown): value is [number, number] => Array.isArray(value) && Number.isSafeInteger(value[0]) && Number.isSafeInteger(value[1]);
