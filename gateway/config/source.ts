/**
 * A configuration text as a plain value, with the position of every key and value. Front ends for YAML and for JSON
 * with comments build it; it does not know what the keys mean.
 */
import type { Path, Position } from './problem.ts';

/** What a file may hold at most: far above any real configuration, far below what would hang the process. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
export const MAX_DEPTH = 64;
/** Nodes that aliases may add by being expanded. */
export const MAX_ALIAS_NODES = 10_000;

/** Offsets of one member and of those within it. */
export interface Spot {
  /** Of its key; of the value itself where it has none. */
  readonly key: number;
  readonly value: number;
  readonly children: Map<string | number, Spot>;
}

/** A fault in the text itself. `hint` may be shown; neither ever holds text of the file besides keys. */
export interface SourceFault {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
}

export interface SourceTree {
  readonly value: unknown;
  readonly root: Spot;
  readonly faults: readonly SourceFault[];
}

/** The spot of a member, or of the nearest one around it that exists. */
export function findSpot(root: Spot, path: Path): { spot: Spot; found: boolean } {
  let spot = root;
  for (const part of path) {
    const next = spot.children.get(part);
    if (next === undefined) return { spot, found: false };
    spot = next;
  }
  return { spot, found: true };
}

/** Turns offsets into lines and columns, both from 1. */
export function createLineIndex(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const bounded = Math.max(0, Math.min(offset, text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= bounded) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: bounded - (starts[low] ?? 0) + 1 };
  };
}

/** Keys that are never members of an object here: they would be taken for its prototype. */
export const isForbiddenKey = (key: string): boolean => key === '__proto__';

export const FORBIDDEN_KEY = 'this name is reserved and cannot be used as a key';
export const DUPLICATE_KEY = 'this key is given twice in the same place';
export const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;
