/** What a case of a fault is, and how it says what came of it. It knows none of them. */
import type { PlaceOptions } from '../test/faults/support.ts';

export interface Stage {
  /** Hands over what takes down again what a case has put up. */
  readonly atEnd: (end: () => Promise<void>) => void;
  /** Shorter, with the same promises: for the test suite, and to see that a case works. */
  readonly quick: boolean;
  /** For `newPlace`: the gateway as it is shipped, or its sources. */
  readonly place: PlaceOptions;
}

export interface Finding {
  /** In words and numbers, for the table. */
  readonly figure: string;
  /** Promises that were not kept, in words; none is a pass. */
  readonly broken: readonly string[];
}

export interface FaultCase {
  readonly name: string;
  readonly requirements: readonly string[];
  readonly fault: string;
  readonly promise: string;
  readonly method: string;
  run(stage: Stage): Promise<Finding>;
}

export interface Promises {
  readonly broken: string[];
  keep(what: string, kept: boolean): void;
  /** Kept when there are none of these; else a few of them are named. */
  none(what: string, found: Iterable<unknown>): void;
}

const NAMED = 3;

export function createPromises(): Promises {
  const broken: string[] = [];
  return {
    broken,
    keep: (what, kept) => void (kept || broken.push(what)),
    none(what, found) {
      const all = [...found];
      if (all.length > 0) broken.push(`${what}: ${all.length}, such as ${all.slice(0, NAMED).map((one) => JSON.stringify(one)).join(', ')}`);
    },
  };
}

/** At most `share` of the values are larger. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export const ms = (value: number): string => `${Math.round(value).toLocaleString('en')} ms`;
export const count = (value: number): string => value.toLocaleString('en');
export const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

/** Median and most, in words. */
export const spread = (valuesMs: readonly number[]): string => `median ${ms(quantile(valuesMs, 0.5))}, most ${ms(Math.max(...valuesMs))}`;
