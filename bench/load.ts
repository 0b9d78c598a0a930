/**
 * The load generator: a process of its own that runs one round after another as its parent asks (over IPC). Closed
 * loop: each lane sends its next operation when the answer to the last has come. It also reads the CPU time of the
 * processes under test, at the very edges of the window that it counts.
 */
import { httpLanes, stdioLanes, type Lane, type Lanes, type Operation, type Target } from './fixtures/lanes.ts';
import { cpuTimeUs } from './fixtures/processes.ts';
import type { Era } from './fixtures/requests.ts';

export interface RoundRequest {
  readonly target: Target;
  readonly era: Era;
  readonly operation: Operation;
  readonly concurrency: number;
  /** Run before counting starts. */
  readonly rampMs: number;
  readonly windowMs: number;
  /** Whose CPU time is read. */
  readonly pids: readonly number[];
}

export interface Round {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUsPerOperation: number;
}

export type RoundAnswer = { readonly round: Round } | { readonly problem: string };

const DRAIN_TIMEOUT_MS = 10_000;

function openLanes({ target, era, operation, concurrency }: RoundRequest): Promise<Lanes> {
  if (target.kind === 'http') return httpLanes(target.url, era, operation, concurrency);
  if (operation.type !== 'call') throw new Error('only calls are sent straight to a stdio server');
  return stdioLanes(target, era, operation.tool, concurrency);
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Runs the lanes until the window has passed, then lets what is under way come back. */
function measure(lanes: readonly Lane[], { rampMs, windowMs, pids }: RoundRequest): Promise<Round> {
  return new Promise((resolve, reject) => {
    let phase: 'ramp' | 'window' | 'drain' = 'ramp';
    let running = lanes.length;
    let startedAt = 0;
    let endedAt = 0;
    let cpuUs = 0;
    const latenciesMs: number[] = [];

    const finish = (): void => {
      const sorted = Float64Array.from(latenciesMs).sort();
      resolve({
        operations: sorted.length,
        perSecond: (sorted.length * 1000) / (endedAt - startedAt),
        p50Us: percentile(sorted, 0.5) * 1000,
        p99Us: percentile(sorted, 0.99) * 1000,
        cpuUsPerOperation: cpuUs / sorted.length,
      });
    };
    const loop = (lane: Lane): void => {
      const sentAt = performance.now();
      lane.run((problem) => {
        if (problem !== undefined) {
          reject(new Error(problem));
          return;
        }
        if (phase === 'window') latenciesMs.push(performance.now() - sentAt);
        if (phase !== 'drain') {
          loop(lane);
          return;
        }
        running -= 1;
        if (running === 0) finish();
      });
    };
    lanes.forEach(loop);
    setTimeout(() => {
      cpuUs = -cpuTimeUs(pids);
      startedAt = performance.now();
      phase = 'window';
    }, rampMs);
    setTimeout(() => {
      phase = 'drain';
      endedAt = performance.now();
      cpuUs += cpuTimeUs(pids);
    }, rampMs + windowMs);
    setTimeout(() => reject(new Error('calls stayed without an answer')), rampMs + windowMs + DRAIN_TIMEOUT_MS).unref();
  });
}

async function runRound(request: RoundRequest): Promise<RoundAnswer> {
  try {
    const opened = await openLanes(request);
    try {
      return { round: await Promise.race([measure(opened.lanes, request), opened.failed]) };
    } finally {
      opened.close();
    }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (request: RoundRequest) => {
  void runRound(request).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));
