/** What rules say of approval, and of labels. */
import { isBlock, member, textOf, textsOf, type Block } from './checks.ts';
import type { Path } from './problem.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

interface Names {
  readonly roles: readonly string[];
  readonly labels: readonly string[];
}

const ASK_MEMBERS = ['approvers', 'expiresIn', 'remember', 'rememberFor'];
/** A label as a text, held against what was touched or what the tool bears. */
const LABEL_READ = /(["'])([^"']*)\1\s+in\s+(?:flow\.seen|tool\.labels)/g;

export function checkRule(rule: Block, path: Path, names: Names, report: Report): void {
  checkAsk(rule, path, names, report);
  const when = textOf(rule, 'when') ?? '';
  for (const [, , label = ''] of when.matchAll(LABEL_READ)) {
    if (names.labels.includes(label)) continue;
    const hint = didYouMean(label, names.labels) ?? (names.labels.length === 0 ? 'Labels are given to tools under "labels".' : `There are ${names.labels.map((one) => `"${one}"`).join(', ')}.`);
    report.warning([...path, 'when'], 'value', `no tool bears the label "${label.slice(0, 64)}"`, hint);
  }
}

function checkAsk(rule: Block, path: Path, names: Names, report: Report): void {
  const effect = textOf(rule, 'effect');
  if (effect !== undefined && effect !== 'ask') {
    for (const key of ASK_MEMBERS) if (Object.hasOwn(rule, key)) report.problem([...path, key], 'key', 'goes only with "effect: ask"');
    return;
  }
  const approvers = member(rule, 'approvers');
  if (Array.isArray(approvers) && approvers.length === 0) report.problem([...path, 'approvers'], 'value', 'expected "self" or roles, found an empty list: nobody could approve');
  for (const [at, role] of textsOf(rule, 'approvers')) {
    if (role === 'self' || names.roles.includes(role)) continue;
    report.warning([...path, 'approvers', at], 'value', `no caller has the role "${role.slice(0, 64)}"`, didYouMean(role, ['self', ...names.roles]));
  }
  const remembersUntil = textOf(rule, 'remember') === 'until';
  if (remembersUntil && !Object.hasOwn(rule, 'rememberFor')) report.problem(path, 'key', '"remember: until" needs a "rememberFor" (such as 8h)');
  if (!remembersUntil && Object.hasOwn(rule, 'rememberFor')) report.problem([...path, 'rememberFor'], 'key', 'goes only with "remember: until"');
}

export function labelPatterns(config: Block): [label: string, at: number, pattern: string][] {
  const labels = member(config, 'labels');
  if (!isBlock(labels)) return [];
  return Object.keys(labels).flatMap((label) => textsOf(labels, label).map(([at, pattern]): [string, number, string] => [label, at, pattern]));
}
