/** What a session or run has touched before, as labels of the tools it called, and where that is kept. */
import type { ToolCall } from './call.ts';

/** The run that a call belongs to, for as long as the call lasts. */
export interface FlowVisit {
  /** Labels touched before, sorted. They only grow while the call lasts. */
  seen(): readonly string[];
  /**
   * The call is let through. Durable when it returns, where a label is new to the run.
   * @throws Error when it cannot be kept: the call is refused then
   */
  touch(labels: readonly string[]): void;
  /** The call has ended. */
  leave(): void;
}

/**
 * Memory of labels, of one process. A run is a session where the client has one; else a caller in a profile, until no
 * call of it was made or under way for a while. Nothing is forgotten early for want of room.
 */
export interface Flow {
  /** A call begins; `leave` must follow. */
  enter(call: Pick<ToolCall, 'principal' | 'origin' | 'profile'>): FlowVisit;
  close(): void;
}

export interface TouchedRun {
  readonly tenant: string;
  readonly caller: string;
  readonly run: string;
}

export interface TouchedRow extends TouchedRun {
  readonly label: string;
}

/** Synchronous; single writer. */
export interface FlowStore {
  load(): TouchedRow[];
  /** Epoch milliseconds of the last clean close; absent after any other end. Asked for once, then forgotten. */
  takeClosedAt(): number | undefined;
  /** Forgets, then adds, in one durable commit. @throws Error when it cannot be written: nothing has changed then */
  write(add: readonly TouchedRow[], forget: readonly TouchedRun[]): void;
  /** Never throws. */
  close(closedAtMs: number): void;
}
