/** `signalbox policy`: rules held against cases, and against what was recorded. No server is started, nothing is called. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { printable } from '../../core/text.ts';
import { formatProblems, locateIn, type PositionOf } from '../config/index.ts';
import { createCaseRunner, loadCases, type CaseResult } from '../policy/index.ts';
import { CommandError, EXIT } from './exit.ts';
import { counted, print, printJson } from './print.ts';
import { traceTable } from './trace.ts';
import { readSetup, type CommonOptions } from './setup.ts';

interface Placed extends CaseResult {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `FILE:LINE:COLUMN` of the rule that decided. */
  readonly ruleAt?: string;
}

const NAMED = /(?:^signalbox\.policy-tests|\.policy)\.ya?ml$/;

export function testPolicy(files: readonly string[], options: CommonOptions): void {
  const { settings, path } = readSetup(options);
  const chosen = files.length > 0 ? files : casesBeside(path);
  const run = createCaseRunner(settings);
  const ruleAt = rulePlaces(path, settings.rules.map(({ id }) => id));
  const results: Placed[] = [];
  for (const file of chosen) {
    const loaded = loadCases(file, settings);
    if (!loaded.ok) throw new CommandError(formatProblems(loaded.problems), EXIT.usage);
    for (const [index, one] of loaded.value.cases.entries()) {
      const result = run(one);
      const place = result.came.rule === undefined ? undefined : ruleAt(result.came.rule);
      results.push({ file, ...loaded.position(['cases', index], 'value'), ...result, ...(place === undefined ? {} : { ruleAt: place }) });
    }
  }
  const failed = results.filter(({ passed }) => !passed);
  if (options.json === true) printJson({ ok: failed.length === 0, passed: results.length - failed.length, failed: failed.length, cases: results });
  else for (const result of failed) print(failureText(result));
  const summary = `${counted(results.length, 'case')}, ${failed.length === 0 ? 'all passed' : `${failed.length} failed`}`;
  if (failed.length > 0) throw new CommandError(options.json === true ? '' : summary, EXIT.failed);
  if (options.json !== true) print(`${summary}.`);
}

/** Files of cases next to the configuration. */
function casesBeside(path: string | undefined): string[] {
  const dir = path === undefined ? process.cwd() : dirname(path);
  const found = readdirSync(dir).filter((name) => NAMED.test(basename(name))).sort();
  if (found.length === 0) throw new CommandError('There are no cases next to the configuration: name files, or write "signalbox.policy-tests.yaml" (docs/policy.md).', EXIT.usage);
  return found.map((name) => join(dir, name));
}

function rulePlaces(path: string | undefined, ids: readonly string[]): (rule: string) => string | undefined {
  let position: PositionOf | undefined;
  return (rule) => {
    position ??= path === undefined ? undefined : locateIn(path);
    if (position === undefined) return undefined;
    const { line, column } = position(['rules', ids.indexOf(rule)], 'value');
    return `${path}:${line}:${column}`;
  };
}

function failureText({ file, line, column, name, expected, came, ruleAt, trace }: Placed): string {
  return [
    printable(`${file}:${line}:${column}  FAILED  ${name}`),
    printable(`  expected  ${told(expected.effect, expected.rule)}${expected.reason === undefined ? '' : `: ${expected.reason}`}`),
    printable(`  came      ${told(came.effect, came.rule)}${ruleAt === undefined ? '' : ` (${ruleAt})`}: ${came.reason}`),
    ...(trace.length === 0 ? [] : [indented(traceTable(trace))]),
    '',
  ].join('\n');
}

const told = (effect: string, rule: string | undefined): string => `${effect}${rule === undefined ? '' : ` by rule "${rule}"`}`;

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
