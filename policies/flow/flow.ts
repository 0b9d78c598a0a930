/**
 * Remembers which labels a session or run has touched. It only ever errs on the side of having touched more: what has to
 * make room goes to its caller as a whole, and what a restart cut loose does too. It judges nothing: rules do.
 */
import { performance } from 'node:perf_hooks';
import type { Flow, FlowStore, FlowVisit, TouchedRow, TouchedRun } from '../../core/flow.ts';
import { union } from './labels.ts';

export interface FlowOptions {
  readonly store: FlowStore;
  /** Sessions that can still call. */
  readonly openSessions: () => Iterable<{ readonly id: string }>;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  /** Epoch milliseconds; only held against the time of the last close. */
  readonly wallClock?: () => number;
  /** Runs that are kept apart. */
  readonly maxRuns?: number;
}

/** A run without a session ends after this long without a call; so does what is remembered of a caller as a whole. */
export const IDLE_MS = 30 * 60_000;
/** Above the number of sessions that there can be, so that room is made of what has ended. */
const MAX_RUNS = 20_000;
/** Share of runs that make room at once, since finding them means looking at all. */
const MAKE_ROOM = 0.1;
/** The run of a caller as a whole, where runs that are no longer kept apart have gone. */
const WHOLE = '*';
const NONE: readonly string[] = Object.freeze([]);

class Memory implements TouchedRun {
  readonly tenant: string;
  readonly caller: string;
  readonly run: string;
  labels = NONE;
  /** Under way now. */
  calls = 0;
  usedAtMs: number;

  constructor({ tenant, caller, run }: TouchedRun, nowMs: number) {
    this.tenant = tenant;
    this.caller = caller;
    this.run = run;
    this.usedAtMs = nowMs;
  }

  isIdle(nowMs: number): boolean {
    return this.calls === 0 && nowMs - this.usedAtMs > IDLE_MS;
  }
}

class Run extends Memory {
  readonly sessionId: string | undefined;
  readonly whole: Memory;

  constructor(whole: Memory, run: string, sessionId: string | undefined, nowMs: number) {
    super({ tenant: whole.tenant, caller: whole.caller, run }, nowMs);
    this.whole = whole;
    this.sessionId = sessionId;
  }
}

export function createFlow(options: FlowOptions): Flow & { readonly size: number } {
  return new LabelMemory(options);
}

class LabelMemory implements Flow {
  readonly #store: FlowStore;
  readonly #openSessions: FlowOptions['openSessions'];
  readonly #now: () => number;
  readonly #wallClock: () => number;
  readonly #maxRuns: number;
  /** By tenant, caller and run: those with labels, and those with calls under way. */
  readonly #runs = new Map<string, Run>();
  /** By tenant and caller: callers are configured, so there are not many. */
  readonly #callers = new Map<string, Memory>();
  /** What stands in the store for nothing any more; taken away with the next write. */
  #stale: TouchedRun[] = [];

  constructor({ store, openSessions, now = () => performance.now(), wallClock = Date.now, maxRuns = MAX_RUNS }: FlowOptions) {
    this.#store = store;
    this.#openSessions = openSessions;
    this.#now = now;
    this.#wallClock = wallClock;
    this.#maxRuns = maxRuns;
    this.#recall();
  }

  get size(): number {
    return this.#runs.size;
  }

  enter({ principal, origin: { sessionId }, profile }: Parameters<Flow['enter']>[0]): FlowVisit {
    const nowMs = this.#now();
    const whole = this.#callerOf(principal.tenant, principal.id);
    if (whole.isIdle(nowMs)) this.#forget(whole);
    const run = this.#runOf(whole, sessionId === undefined ? `p${profile ?? ''}` : `s${sessionId}`, sessionId);
    if (sessionId === undefined && run.isIdle(nowMs)) this.#forget(run);
    for (const memory of [whole, run]) {
      memory.calls += 1;
      memory.usedAtMs = nowMs;
    }
    return {
      seen: () => union(run.labels, whole.labels),
      touch: (labels) => this.#touch(run, labels),
      leave: () => this.#leave(run),
    };
  }

  close(): void {
    this.#store.close(this.#wallClock());
  }

  #touch(run: Run, labels: readonly string[]): void {
    const fresh = labels.filter((label) => !run.labels.includes(label));
    if (fresh.length === 0) return;
    if (run.labels === NONE) this.#makeRoom();
    this.#write(rowsOf(run, fresh));
    run.labels = union(run.labels, fresh);
  }

  #leave(run: Run): void {
    const nowMs = this.#now();
    for (const memory of [run.whole, run]) {
      memory.calls -= 1;
      memory.usedAtMs = nowMs;
    }
    if (run.calls === 0 && run.labels === NONE) this.#runs.delete(keyOf(run));
  }

  #callerOf(tenant: string, caller: string): Memory {
    const key = `${tenant}\0${caller}`;
    let memory = this.#callers.get(key);
    if (memory === undefined) this.#callers.set(key, (memory = new Memory({ tenant, caller, run: WHOLE }, this.#now())));
    return memory;
  }

  #runOf(whole: Memory, name: string, sessionId: string | undefined): Run {
    const key = keyOf({ tenant: whole.tenant, caller: whole.caller, run: name });
    let run = this.#runs.get(key);
    if (run === undefined) this.#runs.set(key, (run = new Run(whole, name, sessionId, this.#now())));
    return run;
  }

  #forget(memory: Memory): void {
    if (memory.labels === NONE) return;
    memory.labels = NONE;
    this.#stale.push(memory);
  }

  /** Forgets what has ended; then, if need be, runs used longest ago become part of their callers, in the store first. */
  #makeRoom(): void {
    if (this.#runs.size < this.#maxRuns) return;
    const nowMs = this.#now();
    const open = new Set(Array.from(this.#openSessions(), ({ id }) => id));
    for (const run of this.#runs.values()) {
      const hasEnded = run.sessionId === undefined ? run.isIdle(nowMs) : run.calls === 0 && !open.has(run.sessionId);
      if (!hasEnded) continue;
      this.#forget(run);
      this.#runs.delete(keyOf(run));
    }
    if (this.#runs.size < this.#maxRuns) return;
    // Those with calls under way stay: they are as many as calls, and those are bounded elsewhere.
    const quiet = [...this.#runs.values()].filter(({ calls }) => calls === 0).sort((a, b) => a.usedAtMs - b.usedAtMs);
    const going = quiet.slice(0, Math.max(1, Math.floor(this.#maxRuns * MAKE_ROOM)));
    this.#write(going.flatMap(({ whole, labels }) => rowsOf(whole, labels)), going);
    for (const run of going) {
      run.whole.labels = union(run.whole.labels, run.labels);
      this.#runs.delete(keyOf(run));
    }
  }

  #write(add: readonly TouchedRow[], forget: readonly TouchedRun[] = []): void {
    this.#store.write(add, [...this.#stale, ...forget]);
    this.#stale = [];
  }

  /**
   * What an earlier process left. Its sessions are gone, but who was in them calls on in another one: their labels count
   * for the caller. A start counts as use, unless the gateway was known to be closed for longer than runs last.
   */
  #recall(): void {
    const rows = this.#store.load();
    const closedAt = this.#store.takeClosedAt();
    if (closedAt !== undefined && this.#wallClock() - closedAt > IDLE_MS) {
      this.#stale = rows;
      return;
    }
    for (const { tenant, caller, run, label } of rows) {
      const whole = this.#callerOf(tenant, caller);
      const memory = run === WHOLE || isSession(run) ? whole : this.#runOf(whole, run, undefined);
      memory.labels = union(memory.labels, [label]);
    }
    const cut = rows.filter(({ run }) => isSession(run));
    if (cut.length > 0) this.#write(cut.map((row) => ({ ...row, run: WHOLE })), cut);
  }
}

const isSession = (run: string): boolean => run.startsWith('s');

const rowsOf = ({ tenant, caller, run }: TouchedRun, labels: readonly string[]): TouchedRow[] => labels.map((label) => ({ tenant, caller, run, label }));

/** A caller's id and a session's hold no control character, so that the key can be read in one way only. */
const keyOf = ({ tenant, caller, run }: TouchedRun): string => `${tenant}\0${caller}\0${run}`;
