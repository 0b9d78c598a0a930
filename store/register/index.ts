/** What the ledger proves itself with: the Merkle tree over it, signed checkpoints, proofs. It stores nothing. */
export { createNodeHash, createRange, EMPTY_ROOT, HASH_BYTES, leafHash, type Range } from './tree.ts';
