/**
 * `npm run bench`: measures what Signalbox costs over doing without it, and holds the figures against the bounds.
 * Needs a build, Linux, and a quiet machine. Method and reading: docs/benchmark.md.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkBounds, type Results } from './bounds.ts';
import { measureCalls, type CallsResult } from './calls.ts';
import { measureColdStarts, measureList } from './catalog.ts';
import { isMemoryDisk } from './disk.ts';
import { SIGNALBOX_MAIN } from './fixtures/signalbox.ts';
import { FULL, QUICK, type Transport } from './plan.ts';
import { formatReport } from './report.ts';

const HELP = `Usage: npm run bench -- [options]

  --quick       about a minute instead of five: to see that nothing is far off, not to quote
  --json FILE   the figures as JSON
  --assert      exit 1 when a bound is not kept (else 0: speeds depend on the machine)
  --calibrate   a second pass-through in Signalbox's place: what then differs is noise
  --interlocked with pins, scan, argument checks and guards on as well: only the calls, against a bound of their own
  --dir DIR     where data directories are made, on the disk to be measured (default ./.signalbox)
`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    assert: { type: 'boolean', default: false },
    calibrate: { type: 'boolean', default: false },
    interlocked: { type: 'boolean', default: false },
    dir: { type: 'string', default: resolve(import.meta.dirname, '../.signalbox') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const machine = (): object => ({
  node: process.version,
  kernel: release(),
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  date: new Date().toISOString(),
});

async function measure(folder: string): Promise<Results> {
  const plan = options.quick ? QUICK : FULL;
  const calls = async (transport: Transport): Promise<CallsResult> => {
    const own = join(folder, `calls-${transport}`);
    mkdirSync(own);
    return measureCalls({ transport, plan, folder: own, calibrate: options.calibrate, policy: options.interlocked ? 'interlocked echo' : 'guarded echo', onProgress: say });
  };
  const results: Results = { calls: { http: await calls('http'), stdio: await calls('stdio') } };
  if (options.calibrate || options.interlocked) return results;
  say('list of 1,000 tools');
  const list = await measureList(join(folder, 'list'), plan);
  say('cold start');
  return { ...results, list, coldStarts: await measureColdStarts(folder, plan) };
}

async function run(): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (process.platform !== 'linux') throw new Error('expected Linux: CPU time and memory are read from /proc');
  if (!options.calibrate && !existsSync(SIGNALBOX_MAIN)) throw new Error(`no build at ${SIGNALBOX_MAIN}: run "npm run build" first`);
  mkdirSync(options.dir, { recursive: true });
  const folder = mkdtempSync(join(options.dir, 'bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  if (isMemoryDisk(folder)) say(`warning: ${folder} is kept in memory; give a real disk with --dir, or bounds on durability mean nothing`);

  const results = await measure(folder);
  const bounds = checkBounds(results, options.interlocked);
  console.log(`${JSON.stringify(machine())}\n\n${formatReport(results, bounds, options.calibrate)}`);
  if (options.json !== undefined) {
    const data = { machine: machine(), quick: options.quick, calibrate: options.calibrate, interlocked: options.interlocked, ...results, bounds };
    writeFileSync(options.json, `${JSON.stringify(data, undefined, 2)}\n`);
  }
  return options.assert && bounds.some(({ pass }) => !pass) ? 1 : 0;
}

process.exitCode = await run();
