/** Who is calling. Built by authentication only; nothing in a request's body, `_meta` or URL may add to it. */

export type Proof = 'loopback' | 'key' | 'stdio' | 'cli';

export interface Principal {
  /** The caller's id from configuration; `local` where no callers are configured. */
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Profiles that this caller may open; `undefined` means all of them. */
  readonly profiles?: readonly string[];
  readonly proof: Proof;
  /** What proved it, fit for a record: a key's public id, never the key. */
  readonly proofId?: string;
  /** The chain of whom this principal acts for, nearest first. */
  readonly actsFor?: readonly string[];
}
