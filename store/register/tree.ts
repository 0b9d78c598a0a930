/**
 * The Merkle tree over the records (RFC 9162, section 2.1.1): its hashes, and the few of them from which the tree grows.
 * No storage.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** 32 bytes as so many characters ("latin1", which Node also calls "binary"): Node takes and gives twice as quickly as hex or buffers. */
export type Hash = string;

export const hashAt = (bytes: Buffer, at: number): Hash => bytes.toString('latin1', at, at + HASH_BYTES);
export const hashFromHex = (hex: string): Hash => Buffer.from(hex, 'hex').toString('latin1');
export const bytesOf = (...hashes: Hash[]): Buffer => Buffer.from(hashes.join(''), 'latin1');

/** RFC 9162, section 2.1.1: the hash of the empty list. */
const EMPTY_ROOT: Hash = hash('sha256', '', 'binary');

/** The leaf of an entry, in hex: SHA-256 of 0x00 and its UTF-8 bytes. */
export const leafHash = (entry: string): string => hash('sha256', `\0${entry}`, 'hex');

const NODE_BYTES = 1 + 2 * HASH_BYTES;

/** Hashes inner nodes: SHA-256 of 0x01, the left child and the right child. One buffer for all that it makes. */
export function createNodeHash(): (left: Hash, right: Hash) => Hash {
  const node = Buffer.alloc(NODE_BYTES, 1);
  return (left, right) => {
    node.write(left, 1, 'latin1');
    node.write(right, 1 + HASH_BYTES, 'latin1');
    return hash('sha256', node, 'binary');
  };
}

/** The roots of the full subtrees that a list of leaves falls into, largest first: all that is needed to go on. */
export interface Range {
  /** How many leaves there are. */
  readonly size: number;
  add(leaf: Hash): void;
  root(): Hash;
  /** The hashes, 32 bytes each; with `size` enough for `createRange`. */
  bytes(): Buffer;
}

/** How many full subtrees a tree of this size falls into: one for each bit that is set. */
function subtrees(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** @throws RangeError when `bytes` are not those of a tree of this size */
export function createRange(size = 0, bytes: Buffer = Buffer.alloc(0)): Range {
  if (!Number.isSafeInteger(size) || size < 0 || bytes.length !== subtrees(size) * HASH_BYTES) {
    throw new RangeError(`${bytes.length} bytes are not the hashes of a tree of ${size} leaves`);
  }
  const nodeHash = createNodeHash();
  const roots: Hash[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) roots.push(hashAt(bytes, at));
  let leaves = size;
  return {
    get size() {
      return leaves;
    },
    add(leaf) {
      let node = leaf;
      // A leaf closes as many subtrees as the size so far ends in binary ones.
      for (let rest = leaves; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(roots.pop() as Hash, node);
      roots.push(node);
      leaves += 1;
    },
    root: () => (roots.length === 0 ? EMPTY_ROOT : roots.reduceRight((right, left) => nodeHash(left, right))),
    bytes: () => bytesOf(...roots),
  };
}
