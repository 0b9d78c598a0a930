/**
 * `npm run faults`: breaks things around the built gateway, for real, and prints what that cost. Needs a build and Linux;
 * some cases need root and packages of Debian, and fail where they cannot have them. Reading: docs/faults.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { ms, type FaultCase, type Finding } from './case.ts';
import { insertTable, type Row } from './table.ts';

const HELP = `Usage: npm run faults -- [options]

  --only NAME   one case; may be given several times (${CASES.map(({ name }) => name).join(', ')})
  --quick       shorter: to see that nothing is far off, not to quote
  --json FILE   the findings as JSON
  --write       puts the table into docs/faults.md
`;
const ROOT = resolve(import.meta.dirname, '..');
const PROGRAM = resolve(ROOT, 'dist/main.js');
const PAGE = resolve(ROOT, 'docs/faults.md');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function find(one: FaultCase): Promise<Row> {
  const ends: (() => Promise<void>)[] = [];
  const startedAt = performance.now();
  const finding: Finding = await one
    .run({ quick: options.quick, place: { program: PROGRAM }, atEnd: (end) => void ends.unshift(end) })
    .catch((error: unknown) => ({ figure: 'none', broken: [error instanceof Error ? (error.stack ?? error.message) : String(error)] }));
  for (const end of ends) await end().catch((error: unknown) => process.stderr.write(`not taken down: ${String(error)}\n`));
  process.stderr.write(`${one.name}: ${ms(performance.now() - startedAt)}\n`);
  const { name, fault, promise, method, requirements } = one;
  return { name, fault, promise, method, requirements, ...finding };
}

async function run(): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (process.platform !== 'linux') throw new Error('expected Linux: processes are looked for in /proc');
  if (!existsSync(PROGRAM)) throw new Error(`no build at ${PROGRAM}: run "npm run build" first`);
  const unknown = options.only.filter((name) => !CASES.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`no case ${unknown.join(', ')}; there are ${CASES.map(({ name }) => name).join(', ')}`);
  const machine = { date: new Date().toISOString().slice(0, 10), cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), kernel: release(), node: process.version };
  const rows: Row[] = [];
  for (const one of CASES) {
    if (options.only.length > 0 && !options.only.includes(one.name)) continue;
    const row = await find(one);
    rows.push(row);
    console.log(`${row.broken.length === 0 ? 'PASS' : 'FAIL'}  ${row.name}\n  fault    ${row.fault}\n  promise  ${row.promise}\n  method   ${row.method}\n  figure   ${row.figure}`);
    for (const broken of row.broken) console.log(`  BROKEN   ${broken}`);
    if (options.write && !options.quick) writeFileSync(PAGE, insertTable(readFileSync(PAGE, 'utf8'), [row], machine));
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, quick: options.quick, rows }, undefined, 2)}\n`);
  return rows.some(({ broken }) => broken.length > 0) ? 1 : 0;
}

process.exitCode = await run();
