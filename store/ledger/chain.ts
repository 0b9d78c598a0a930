/**
 * The chain: how a record's text names its place and the record before it. The one definition that writing, recovery
 * and verification share. No storage.
 */
import { hash } from 'node:crypto';
import { leafHash } from '../register/index.ts';

/** `prev` of the first record. */
export const GENESIS = '0'.repeat(64);

export interface ChainPoint {
  readonly seq: number;
  /** The hash (hex) of record `seq`; `GENESIS` at 0. */
  readonly hash: string;
}

export const CHAIN_START: ChainPoint = { seq: 0, hash: GENESIS };

/** What the body of record `seq` begins with. */
export const chainHead = (seq: number, prev: string): string => `{"seq":${seq},"prev":"${prev}",`;

/** The text that is kept: `seq` and `prev` in front of the members of `json`, a JSON object with at least one member. */
export const chainBody = (seq: number, prev: string, json: string): string => chainHead(seq, prev) + json.slice(1);

/** The hash of a record is its leaf in the Merkle tree, so that the chain and the tree cost one hash between them. */
export const hashBody = leafHash;

/** Ledgers of before the register have the plain SHA-256 of the body there, and no tree can be built over them. */
export const isOfOldKind = (body: string, recorded: string): boolean => hash('sha256', body, 'hex') === recorded;

export const OLD_KIND = 'it was written by an earlier version, whose hashes make no Merkle tree (SHA-256 of the body without the 0x00 before it)';
