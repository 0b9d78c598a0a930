/**
 * The chain: how a record's text names its place and the record before it. The one definition that writing, recovery
 * and verification share. No storage.
 */
import { hash } from 'node:crypto';

/** `prev` of the first record. */
export const GENESIS = '0'.repeat(64);

export interface ChainPoint {
  readonly seq: number;
  /** SHA-256 (hex) of the body of record `seq`; `GENESIS` at 0. */
  readonly hash: string;
}

export const CHAIN_START: ChainPoint = { seq: 0, hash: GENESIS };

/** What the body of record `seq` begins with. */
export const chainHead = (seq: number, prev: string): string => `{"seq":${seq},"prev":"${prev}",`;

/** The text that is kept: `seq` and `prev` in front of the members of `json`, a JSON object with at least one member. */
export const chainBody = (seq: number, prev: string, json: string): string => chainHead(seq, prev) + json.slice(1);

export const hashBody = (body: string): string => hash('sha256', body, 'hex');
