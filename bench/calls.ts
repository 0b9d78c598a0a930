/**
 * The table of calls for one kind of upstream: direct, through the bare pass-through, and through Signalbox, in turn,
 * round by round, in both eras and at each concurrency.
 */
import { fdatasyncUs } from './disk.ts';
import type { Operation, Target } from './fixtures/lanes.ts';
import { startLoadGenerator, type LoadGenerator } from './fixtures/load-generator.ts';
import { benchScript, gatewayProcesses, memoryOf, startServer, type Memory, type RunningProcess } from './fixtures/processes.ts';
import { ERAS, type Era } from './fixtures/requests.ts';
import { ECHO_TOOL, startSignalbox, untilReady, type Policy } from './fixtures/signalbox.ts';
import { medianOf } from './fixtures/statistics.ts';
import type { Round } from './load.ts';
import { CONCURRENCIES, type Plan, type Transport } from './plan.ts';

export const SIDES = ['direct', 'pass-through', 'signalbox'] as const;
export type Side = (typeof SIDES)[number];

export interface CallsRow extends Round {
  readonly transport: Transport;
  readonly era: Era;
  readonly concurrency: number;
  readonly side: Side;
}

export interface CallsResult {
  readonly rows: readonly CallsRow[];
  readonly fdatasyncUs: readonly number[];
  readonly memory: { readonly passThrough: Memory; readonly signalbox: Memory };
}

export interface CallsOptions {
  readonly transport: Transport;
  readonly plan: Plan;
  /** New, on the disk that is measured. */
  readonly folder: string;
  /** Puts a second pass-through in Signalbox's place: what then differs is noise. */
  readonly calibrate: boolean;
  readonly policy: Policy;
  readonly onProgress: (what: string) => void;
}

interface Subject {
  readonly side: Side;
  readonly target: Target;
  readonly operation: Operation;
  /** Processes of the middle; none where there is no middle. */
  readonly pids: readonly number[];
}

const READY_TIMEOUT_MS = 30_000;

export async function measureCalls(options: CallsOptions): Promise<CallsResult> {
  const running: RunningProcess[] = [];
  const load = startLoadGenerator();
  try {
    const start = async (starting: Promise<RunningProcess>): Promise<RunningProcess> => {
      const started = await starting;
      running.push(started);
      return started;
    };
    const subjects = await startSubjects(options, start);
    await warmUp(load, subjects, options.plan);
    return await runRounds(load, subjects, options);
  } finally {
    load.close();
    for (const one of running.toReversed()) await one.stop();
  }
}

const middle = (side: Side, { url, pid }: RunningProcess, tool: string): Subject => ({
  side,
  target: { kind: 'http', url: `${url}/mcp` },
  operation: { type: 'call', tool },
  pids: gatewayProcesses(pid),
});

/** Each middle has a stdio upstream of its own; all share the one over HTTP. */
async function startSubjects(
  { transport, folder, calibrate, policy }: CallsOptions,
  start: (starting: Promise<RunningProcess>) => Promise<RunningProcess>,
): Promise<Subject[]> {
  const stdio = { command: process.execPath, args: [benchScript('upstream-stdio.ts')] };
  const http = transport === 'http' ? (await start(startServer([benchScript('upstream-http.ts')]))).url : undefined;
  const upstream = http === undefined ? stdio : { url: `${http}/mcp` };
  const passArgs = http === undefined ? ['--', stdio.command, ...stdio.args] : ['--url', http];
  const startPass = (): Promise<RunningProcess> => start(startServer([benchScript('passthrough.ts'), ...passArgs]));

  const pass = await startPass();
  const box = calibrate ? await startPass() : await start(startSignalbox(folder, { up: upstream }, policy));
  if (!calibrate) await untilReady(box.url, READY_TIMEOUT_MS);

  const direct: Target = http === undefined ? { kind: 'stdio', ...stdio } : { kind: 'http', url: `${http}/mcp` };
  return [
    { side: 'direct', target: direct, operation: { type: 'call', tool: 'echo' }, pids: [] },
    middle('pass-through', pass, 'echo'),
    middle('signalbox', box, calibrate ? 'echo' : ECHO_TOOL),
  ];
}

async function warmUp(load: LoadGenerator, subjects: readonly Subject[], { warmUpMs }: Plan): Promise<void> {
  for (const era of ERAS) {
    for (const subject of subjects) await load.run({ ...subject, era, concurrency: 64, rampMs: 0, windowMs: warmUpMs });
  }
}

async function runRounds(
  load: LoadGenerator,
  subjects: readonly Subject[],
  { transport, plan, folder, onProgress }: CallsOptions,
): Promise<CallsResult> {
  const cells = ERAS.flatMap((era) =>
    CONCURRENCIES.flatMap((concurrency) =>
      subjects.map((subject) => ({ era, concurrency, subject, rounds: [] as Round[] })),
    ),
  );
  const syncs: number[] = [];
  const { rampMs, windowMs } = plan;
  // Every cell once, then every cell again: what drifts while the run lasts falls on all of them alike.
  for (let number = 1; number <= plan.rounds; number += 1) {
    onProgress(`calls, ${transport} upstream, round ${number} of ${plan.rounds}`);
    for (const { era, concurrency, subject, rounds } of cells) {
      rounds.push(await load.run({ ...subject, era, concurrency, rampMs, windowMs }));
      if (concurrency === 1) syncs.push(...fdatasyncUs(folder, plan.syncsPerRound));
    }
  }
  const rows = cells.map(({ era, concurrency, subject: { side }, rounds }): CallsRow => {
    return { transport, era, concurrency, side, ...medianOf(rounds) };
  });
  const memory = (side: Side): Memory => memoryOf(subjects.find((subject) => subject.side === side)?.pids ?? []);
  return { rows, fdatasyncUs: syncs, memory: { passThrough: memory('pass-through'), signalbox: memory('signalbox') } };
}

