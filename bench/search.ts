/**
 * What asking a large ledger costs: making the index, each filter, exports. Prints times and the peak of memory; no gateway.
 * Exports are the real command in a process of its own, read through a pipe.
 *   node bench/search.ts [--records 1000000] [--dir DIR] [--rounds 50]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LEDGER_FILE, openSearch, SEARCH_FILE, type SearchEntry, type SearchFilter, type SearchIndex } from '../store/index.ts';
import { createRandom, makeLedger } from './fixtures/records.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, dir: { type: 'string', default: tmpdir() }, rounds: { type: 'string', default: '50' } },
});
const records = Number(values.records);
const dir = mkdtempSync(join(values.dir, 'signalbox-bench-'));
const SIGNALBOX = new URL('../bin/signalbox', import.meta.url).pathname;
const random = createRandom(7);
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Of filters that take any value: one as it occurs, another each round. */
function filtersOf(samples: readonly SearchEntry[]): Record<string, () => SearchFilter> {
  const value = (name: 'caller' | 'tool' | 'rule' | 'code' | 'call' | 'session' | 'trace' | 'approval') => (): SearchFilter => ({ [name]: pick(samples.filter((one) => one[name] !== undefined))[name] });
  const times = samples.map(({ time }) => time);
  const within = (filter: SearchFilter): SearchFilter => {
    const since = pick(times);
    return { ...filter, since, until: since + 3_600_000 };
  };
  return {
    'no filter': () => ({}),
    caller: value('caller'),
    'tool, exactly': value('tool'),
    'tool, pattern': () => ({ tool: `server${Math.floor(random() * 20)}/*` }),
    'tool, pattern of many': () => ({ tool: '*/tool1*' }),
    server: () => ({ server: `server${Math.floor(random() * 20)}` }),
    decision: () => ({ decision: pick(['allow', 'ask', 'deny']) }),
    rule: value('rule'),
    outcome: () => ({ outcome: pick(['completed', 'failed', 'refused', 'waiting', 'open']) }),
    code: value('code'),
    call: value('call'),
    session: value('session'),
    trace: value('trace'),
    approval: value('approval'),
    'an hour': () => within({}),
    'an hour, caller': () => within(value('caller')()),
    'an hour, outcome': () => within({ outcome: 'failed' }),
    'an hour, text': () => within({ text: 'word1 word2' }),
    'text, one word': () => ({ text: `word${Math.floor(random() * 4000).toString(36)}` }),
    'text, a word of all': () => ({ text: 'home' }),
    'text, three words': () => ({ text: `word${Math.floor(random() * 60).toString(36)} home word${Math.floor(random() * 60).toString(36)}` }),
    'text, a beginning': () => ({ text: `word${Math.floor(random() * 60).toString(36)}*` }),
    'five at once': () => ({ ...value('caller')(), server: 'server0', decision: 'allow', outcome: 'failed', code: 'upstream_timeout' }),
    'two that never meet': () => ({ decision: 'deny', outcome: 'completed' }),
    'text of all, failed': () => ({ text: 'home', outcome: 'failed', ...value('caller')() }),
  };
}

/** Times of a search from an open index. */
function timed(index: SearchIndex, filterOf: () => SearchFilter, rounds: number): { p50: number; p99: number; found: number } {
  const times: number[] = [];
  let found = 0;
  for (let round = 0; round < rounds; round += 1) {
    const filter = filterOf();
    // Every other from somewhere in the middle, as somebody who pages.
    const page = round % 2 === 0 ? { limit: 50 } : { limit: 50, before: Math.floor(records * random()) + 2 };
    const startedAt = performance.now();
    found += index.search(filter, page).entries.length;
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(rounds / 2)] ?? Number.NaN, p99: times[Math.floor(rounds * 0.99)] ?? Number.NaN, found: found / rounds };
}

async function run(...args: string[]): Promise<{ ms: number; bytes: number; peakBytes: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [SIGNALBOX, 'audit', ...args, '--data', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  let peakKib = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const watch = setInterval(() => (peakKib = Math.max(peakKib, peakOf(child.pid))), 20);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`audit ${args.join(' ')} ended with ${String(code)}`);
  return { ms: performance.now() - startedAt, bytes, peakBytes: peakKib * 1024 };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

try {
  let startedAt = performance.now();
  makeLedger(dir, { records });
  console.log(`ledger     ${records} records, ${megabytes(statSync(join(dir, LEDGER_FILE)).size)}, made in ${seconds(performance.now() - startedAt)}`);
  const built = await run('index');
  console.log(`index      made in ${seconds(built.ms)}, ${megabytes(statSync(join(dir, SEARCH_FILE)).size)}, peak memory ${megabytes(built.peakBytes)}`);
  const index = openSearch(dir);
  startedAt = performance.now();
  await index.update();
  console.log(`index      nothing new: ${(performance.now() - startedAt).toFixed(1)} ms`);
  const samples = Array.from({ length: 200 }, () => index.search({}, { limit: 20, before: Math.floor(records * random()) + 2 }).entries).flat();
  for (const [name, filterOf] of Object.entries(filtersOf(samples))) {
    const { p50, p99, found } = timed(index, filterOf, Number(values.rounds));
    console.log(`search     ${name.padEnd(22)} p50 ${p50.toFixed(1).padStart(7)} ms   p99 ${p99.toFixed(1).padStart(7)} ms   ${found.toFixed(0).padStart(3)} found`);
  }
  index.close();
  const command = await run('search', '--caller', 'caller3', '--limit', '50');
  console.log(`command    audit search: ${command.ms.toFixed(0)} ms in all`);
  for (const format of ['jsonl', 'csv', 'ocsf', 'otlp']) {
    const { ms, bytes, peakBytes } = await run('export', '--format', format);
    console.log(`export     ${format.padEnd(6)} ${seconds(ms).padStart(8)}   ${megabytes(bytes).padStart(8)}   peak memory ${megabytes(peakBytes)}`);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
