/** What the ledger proves itself with: the Merkle tree over it, signed checkpoints, proofs. It stores nothing. */
export { checkpointText, claimedSize, openCheckpoint, splitNotes, type Checkpoint } from './checkpoint.ts';
export { checkConsistency, CONSISTENCY_LINE, consistencyText, type CheckedConsistency } from './consistency-file.ts';
export { PUBLIC_KEY_FILE, publishedKey, publishKey } from './key-file.ts';
export { createSigner, createVerifier, type Signer, type Verifier } from './note.ts';
export { checkProof, proofText, type CheckedProof, type Proof } from './proof-file.ts';
export { consistencyPath, inclusionPath, inclusionRoot, isConsistent, type Leaves } from './proof.ts';
export { bytesOf, createNodeHash, createRange, HASH_BYTES, hashAt, hashFromHex, leafHash, type Hash, type Range } from './tree.ts';
