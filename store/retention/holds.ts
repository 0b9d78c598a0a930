/** Legal holds: what they cover. They are kept in state.ts, and every one of them is a record. */

export interface Hold {
  readonly id: string;
  /** Absent: every tenant; so with `caller`, `fromMs` and `toMs`. */
  readonly tenant?: string;
  readonly caller?: string;
  /** Epoch milliseconds, inclusive. */
  readonly fromMs?: number;
  /** Epoch milliseconds, exclusive. */
  readonly toMs?: number;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
}

/** What a hold looks at in a record; of a call's end, what its beginning said. */
export interface Held {
  readonly tenant: string | undefined;
  readonly caller: string | undefined;
  readonly time: number;
}

export const holds = (hold: Hold, { tenant, caller, time }: Held): boolean =>
  (hold.tenant === undefined || hold.tenant === tenant) &&
  (hold.caller === undefined || hold.caller === caller) &&
  (hold.fromMs === undefined || time >= hold.fromMs) &&
  (hold.toMs === undefined || time < hold.toMs);

/** A hold that names no other tenant may cover payloads of this one: then its keys stay. */
export const mayCover = (hold: Hold, tenant: string): boolean => hold.tenant === undefined || hold.tenant === tenant;
