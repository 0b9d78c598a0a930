/**
 * Results that were cut for their callers, whole and guarded, for as long as somebody may want to read on. In memory only:
 * bounded for each caller and in all, and gone with time, with the process, or when newer ones need the room.
 */
import { randomBytes } from 'node:crypto';
import type { ToolCall } from '../../core/call.ts';
import type { JsonObject } from '../../core/json.ts';

export interface HeldResult {
  readonly handle: string;
  /** The call that it came of. */
  readonly call: string;
  /** `server/tool`. */
  readonly ref: string;
  readonly fingerprint: string;
  readonly args: JsonObject;
  readonly result: JsonObject;
  /** What is paged where no path is given. */
  readonly text: string;
  readonly bytes: number;
  /** The bound of the guard that cut it: no page is longer. */
  readonly maxBytes: number;
}

/** Whose a result is: nobody else may know that it exists. */
export type Owner = Pick<ToolCall, 'principal' | 'profile'>;

export interface HeldResults {
  /** @returns the handle, unguessable; `undefined` where the result is larger than what one caller may have kept */
  keep(owner: Owner, held: Omit<HeldResult, 'handle'>): string | undefined;
  find(owner: Owner, handle: string): HeldResult | undefined;
  /** For one that `find` has just shown to be the caller's. */
  byHandle(handle: string): HeldResult | undefined;
  readonly size: number;
}

export interface HeldResultsOptions {
  readonly ttlMs?: number;
  readonly maxBytes?: number;
  readonly maxBytesOfOne?: number;
  readonly now?: () => number;
}

const TTL_MS = 10 * 60_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_BYTES_OF_ONE = 24 * 1024 * 1024;
/** A short result costs more than its text. */
const BYTES_OF_ANY = 1024;

interface Entry {
  readonly owner: string;
  readonly held: HeldResult;
  readonly bytes: number;
  readonly until: number;
}

export function createHeldResults({ ttlMs = TTL_MS, maxBytes = MAX_BYTES, maxBytesOfOne = MAX_BYTES_OF_ONE, now = Date.now }: HeldResultsOptions = {}): HeldResults {
  // Oldest first.
  const entries = new Map<string, Entry>();
  const bytesOf = new Map<string, number>();
  let bytesOfAll = 0;

  function drop(handle: string, { owner, bytes }: Entry): void {
    entries.delete(handle);
    bytesOfAll -= bytes;
    const left = (bytesOf.get(owner) ?? 0) - bytes;
    if (left > 0) bytesOf.set(owner, left);
    else bytesOf.delete(owner);
  }

  /** Those that are over, then the owner's oldest, then anybody's oldest. */
  function makeRoom(owner: string, bytes: number): void {
    for (const [handle, entry] of entries) if (entry.until <= now()) drop(handle, entry);
    for (const [handle, entry] of entries) {
      if ((bytesOf.get(owner) ?? 0) + bytes <= maxBytesOfOne) break;
      if (entry.owner === owner) drop(handle, entry);
    }
    for (const [handle, entry] of entries) {
      if (bytesOfAll + bytes <= maxBytes) break;
      drop(handle, entry);
    }
  }

  const alive = (handle: string): Entry | undefined => {
    const entry = entries.get(handle);
    return entry === undefined || entry.until <= now() ? undefined : entry;
  };

  return {
    keep(owner, held) {
      const key = ownerKey(owner);
      const bytes = held.bytes + BYTES_OF_ANY;
      if (bytes > maxBytesOfOne || bytes > maxBytes) return undefined;
      makeRoom(key, bytes);
      const handle = `r_${randomBytes(24).toString('base64url')}`;
      entries.set(handle, { owner: key, held: { ...held, handle }, bytes, until: now() + ttlMs });
      bytesOf.set(key, (bytesOf.get(key) ?? 0) + bytes);
      bytesOfAll += bytes;
      return handle;
    },
    find(owner, handle) {
      const entry = alive(handle);
      return entry?.owner === ownerKey(owner) ? entry.held : undefined;
    },
    byHandle: (handle) => alive(handle)?.held,
    get size() {
      return entries.size;
    },
  };
}

const ownerKey = ({ principal, profile }: Owner): string => JSON.stringify([principal.tenant, principal.id, profile ?? null]);
