/**
 * Records without text: each must be named by a later `purge` record, which says who took the text out and why. Their
 * hashes stay in the chain and in the tree.
 */
import type { Fault } from './verify-records.ts';

type Run = readonly [from: number, to: number];

export class Purges {
  /** Runs of records without text, first and last `seq`. */
  readonly #runs: [from: number, to: number][] = [];
  /** What purges speak of, as they come. */
  readonly #said: Run[] = [];
  #lastPurge = 0;
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
    // None has taken itself, or what came after it.
    for (const pair of pairs) if (isRange(pair)) this.#said.push([pair[0], Math.min(pair[1], seq - 1)]);
    this.#lastPurge = seq;
  }

  /** The first record without text that no purge speaks of. */
  fault(): Fault | undefined {
    const said = this.#said.sort(([a], [b]) => a - b);
    let at = 0;
    let reached = 0;
    for (const [from, to] of this.#runs) {
      for (reached = Math.max(reached, from - 1); reached < to; ) {
        const [first, last] = said[at] ?? [Infinity, 0];
        if (first > reached + 1) return { seq: reached + 1, reason: 'its text is gone, and no later record of the kind "purge" says that it was taken out' };
        reached = Math.max(reached, last);
        if (reached < to) at += 1;
      }
    }
    return undefined;
  }

  /** Whether each purge is among the first `size` records, for which a checkpoint vouches. */
  areWithin(size: number): boolean {
    return this.#lastPurge <= size;
  }
}

const isRange = (value: unknown): value is [number, number] => Array.isArray(value) && Number.isSafeInteger(value[0]) && Number.isSafeInteger(value[1]);
