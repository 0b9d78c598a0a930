/**
 * What two durable records a call cost, signed ones: an intent that is waited for, an outcome that goes with the next commit.
 * Prints CPU (all threads) and latency of `write`, beside a bare fdatasync on the same disk. No gateway.
 *   node bench/ledger.ts [--dir DIR] [--rounds 3]
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLedger, type CheckpointOptions } from '../store/ledger/index.ts';
import { silentLog } from '../core/log.ts';
import type { Ledger } from '../core/audit.ts';

interface Figures {
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { values } = parseArgs({
  options: { dir: { type: 'string', default: tmpdir() }, rounds: { type: 'string', default: '3' }, calls: { type: 'string' } },
});
const dir = mkdtempSync(join(values.dir, 'signalbox-bench-'));
const rounds = Number(values.rounds);

const cpuUsed = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

function figures(times: number[], cpuUs: number): Figures {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { cpuUs: cpuUs / times.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function bareFdatasync(count: number): Figures {
  const file = openSync(join(dir, 'bare'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) {
    const start = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  return figures(times, cpuUsed(before));
}

const filler = 'x'.repeat(480);

async function calls(ledger: Ledger, concurrency: number, count: number): Promise<Figures> {
  const times: number[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const call = `call-${concurrency}-${(next += 1)}`;
      const start = performance.now();
      await ledger.write({ kind: 'intent', time: Date.now(), call, tool: 'files/read_file', args: filler });
      times.push(performance.now() - start);
      ledger.writeSoon({ kind: 'outcome', time: Date.now(), call, tool: 'files/read_file', result: filler });
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, caller));
  return figures(times, cpuUsed(before));
}

const line = (name: string, { cpuUs, p50Ms, p99Ms }: Figures): void =>
  console.log(`${name.padEnd(24)} CPU ${cpuUs.toFixed(1).padStart(6)} us/call   p50 ${p50Ms.toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms`);

const best = (all: Figures[]): Figures => ({
  cpuUs: Math.min(...all.map((each) => each.cpuUs)),
  p50Ms: Math.min(...all.map((each) => each.p50Ms)),
  p99Ms: Math.min(...all.map((each) => each.p99Ms)),
});

/** At the gateway's own pace, and delivered nowhere. */
const checkpoints: CheckpointOptions = {
  seed: randomBytes(32),
  pace: () => ({ records: 10_000, everyMs: 60_000 }),
  onCheckpoint() {},
  onProblem(problem) {
    throw new Error(problem);
  },
};
const ledger = await createLedger({ dataDir: join(dir, 'data'), log: silentLog, checkpoints });
try {
  await calls(ledger, 16, 10_000);
  const runs = new Map<string, Figures[]>();
  const note = (name: string, result: Figures): void => void runs.set(name, [...(runs.get(name) ?? []), result]);
  for (let round = 0; round < rounds; round += 1) {
    note('fdatasync, 4 KiB page', bareFdatasync(1500));
    note('ledger, concurrency 1', await calls(ledger, 1, 1500));
    note('ledger, concurrency 16', await calls(ledger, 16, 16_000));
    note('ledger, concurrency 64', await calls(ledger, 64, 32_000));
  }
  for (const [name, all] of runs) line(name, best(all));
} finally {
  await ledger.close();
  rmSync(dir, { recursive: true, force: true });
}
