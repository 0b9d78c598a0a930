/** What was reviewed of the tools: fingerprints that a person has seen, and what a scan says of the rest. */
import type { JsonObject } from './json.ts';

export type Severity = 'low' | 'high';

export interface Finding {
  /** `unscanned`: there is more text than is looked at. */
  readonly kind: 'hidden-unicode' | 'instructions' | 'other-tool' | 'asks-secrets' | 'unscanned';
  readonly severity: Severity;
  /** Where in the definition, as a JSON pointer. */
  readonly at: string;
  /** In words, with the text shown harmlessly. */
  readonly message: string;
}

export interface PinnedTool {
  readonly fingerprint: string;
  /** The parts of the definition that the fingerprint covers, for a readable diff. */
  readonly reviewed: JsonObject;
}

/** One reading of the lock file; immutable. */
export interface PinFile {
  readonly path: string;
  /** By `server/tool`. */
  readonly tools: ReadonlyMap<string, PinnedTool>;
  /** SHA-256 (hex) of the text; empty where there is no file. */
  readonly hash: string;
}

/**
 * What keeps a tool from being clear: not reviewed, no longer what was reviewed, a lock file that cannot be read, its words, its
 * name, a schema that cannot be checked within bounds.
 */
export type StandingCause = 'new' | 'changed' | 'lock' | 'scan' | 'name' | 'schema';

/** Whether a tool may be seen and called. */
export type Standing =
  | { readonly type: 'clear' }
  /** Told to the operator; the tool works. */
  | { readonly type: 'noted'; readonly cause: StandingCause; readonly why: string }
  /** As if it did not exist for callers. */
  | { readonly type: 'quarantined'; readonly cause: StandingCause; readonly why: string };
