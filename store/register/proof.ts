/**
 * Paths through the Merkle tree: that a leaf is in it, and that one tree begins with another (RFC 9162, sections 2.1.3
 * and 2.1.4). Sizes go beyond 32 bits, so there are no shifts. It signs and stores nothing.
 */
import { createNodeHash, createRange, type Hash } from './tree.ts';

/** The leaf at an index. */
export type Leaves = (index: number) => Hash;

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let left = 1;
  while (left * 2 < size) left *= 2;
  return left;
}

function rootOf(leaves: Leaves, from: number, to: number): Hash {
  const range = createRange();
  for (let index = from; index < to; index += 1) range.add(leaves(index));
  return range.root();
}

/** From the leaf's sibling up (section 2.1.3.1). @throws RangeError unless 0 <= index < size */
export function inclusionPath(leaves: Leaves, index: number, size: number): Hash[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has none at ${index}`);
  const path: Hash[] = [];
  let from = 0;
  for (let to = size; to - from > 1; ) {
    const middle = from + split(to - from);
    const isLeft = index < middle;
    path.push(isLeft ? rootOf(leaves, middle, to) : rootOf(leaves, from, middle));
    if (isLeft) to = middle;
    else from = middle;
  }
  return path.toReversed();
}

/** The root that a path leads to from a leaf; undefined where its length does not fit the place (section 2.1.3.2). */
export function inclusionRoot(leaf: Hash, index: number, size: number, path: readonly Hash[]): Hash | undefined {
  if (!(index >= 0 && index < size)) return undefined;
  const nodeHash = createNodeHash();
  let place = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      node = nodeHash(sibling, node);
      // Levels at which the node has no sibling are passed over.
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else node = nodeHash(node, sibling);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? node : undefined;
}

const half = (count: number): number => Math.floor(count / 2);

/** That the tree of `to` leaves begins with that of `from` (section 2.1.4.1). @throws RangeError unless 0 < from <= to */
export function consistencyPath(leaves: Leaves, from: number, to: number): Hash[] {
  if (!(from > 0 && from <= to)) throw new RangeError(`a tree of ${to} leaves begins with none of ${from}`);
  const path: Hash[] = [];
  let [start, end, size] = [0, to, from];
  /** Whether what is left of the first tree is a whole subtree of it, so that its root is known already. */
  let isKnown = true;
  while (size !== end - start) {
    const middle = split(end - start);
    if (size <= middle) {
      path.push(rootOf(leaves, start + middle, end));
      end = start + middle;
    } else {
      path.push(rootOf(leaves, start, start + middle));
      start += middle;
      size -= middle;
      isKnown = false;
    }
  }
  if (!isKnown) path.push(rootOf(leaves, start, end));
  return path.toReversed();
}

/** Whether the tree of `to` leaves and `root` begins with that of `from` leaves and `oldRoot` (section 2.1.4.2). */
export function isConsistent(from: number, oldRoot: Hash, to: number, root: Hash, path: readonly Hash[]): boolean {
  if (!(from > 0 && from <= to)) return false;
  if (from === to) return path.length === 0 && oldRoot === root;
  const nodeHash = createNodeHash();
  let [place, last] = [from - 1, to - 1];
  while (place % 2 === 1) [place, last] = [half(place), half(last)];
  // Where the first tree is one full subtree its root begins the path, and is left out.
  const [first, ...rest] = place === 0 ? [oldRoot, ...path] : path;
  if (first === undefined) return false;
  let [older, newer] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else newer = nodeHash(newer, sibling);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && older === oldRoot && newer === root;
}
