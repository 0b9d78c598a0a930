/** What profiles, callers, rules and limits say of each other and of servers. */
import { checkBudgets } from './check-budgets.ts';
import { checkGuards } from './check-guards.ts';
import { blocksIn, blocksOf, checkUnique, isBlock, member, textOf, textsOf, type Block } from './checks.ts';
import { checkApprovals } from './check-approvals.ts';
import { checkRegister } from './check-register.ts';
import type { Settings } from '../../core/settings.ts';
import { checkRule, labelPatterns } from './check-rules.ts';
import { checkSecretText } from './check-servers.ts';
import { checkTelemetry } from './check-telemetry.ts';
import { withEnvPrefix } from './references.ts';
import type { Path } from './problem.ts';
import type { Report } from './report.ts';
import { didYouMean, suggest } from './suggest.ts';

/** Syntax check of a `when` expression: what is wrong with it, or `undefined`. */
export type CheckExpression = (text: string) => string | undefined;

interface Names {
  readonly servers: readonly string[];
  readonly profiles: readonly string[];
  readonly callers: readonly string[];
  readonly roles: readonly string[];
  readonly labels: readonly string[];
}

const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._@:+-]{0,127})$/;
const PROFILE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const keysOf = (config: Block, key: string): string[] => {
  const value = member(config, key);
  return isBlock(value) ? Object.keys(value) : [];
};

const quoteList = (names: readonly string[]) => (names.length === 0 ? 'none is configured' : `there are ${names.slice(0, 20).map((name) => `"${name}"`).join(', ')}`);

export function checkPolicy(config: Block, report: Report, checkExpression: CheckExpression | undefined, within?: Settings): void {
  const callers = blocksOf(config, 'callers');
  const names: Names = {
    servers: [...keysOf(config, 'servers'), ...(within?.servers ?? []).map(({ id }) => id)],
    profiles: [...keysOf(config, 'profiles'), ...(within?.profiles ?? []).map(({ id }) => id)],
    callers: [...callers.flatMap(([, caller]) => textOf(caller, 'id') ?? []), ...(within?.callers ?? []).map(({ id }) => id)],
    roles: [...callers.flatMap(([, caller]) => textsOf(caller, 'roles').map(([, role]) => role)), ...(within?.callers ?? []).flatMap(({ roles }) => roles)],
    labels: [...keysOf(config, 'labels'), ...Object.keys(within?.labels ?? {})],
  };
  checkProfiles(config, names, report);
  for (const kind of ['caller', 'rule', 'limit', 'budget', 'guard']) checkIds(config, kind, report);
  checkCallers(callers, names, report);
  checkApprovals(config, report);
  checkRegister(config, report);
  for (const [index, rule] of blocksOf(config, 'rules')) {
    const path = ['rules', index];
    checkScope(rule, path, names, report);
    for (const [at, profile] of textsOf(rule, 'profiles')) checkProfileName(profile, [...path, 'profiles', at], names, report);
    checkRule(rule, path, names, report);
    const when = textOf(rule, 'when');
    const wrong = when === undefined ? undefined : when.trim() === '' ? 'expected an expression, found an empty text' : checkExpression?.(when);
    if (wrong !== undefined) report.problem([...path, 'when'], 'value', wrong.replace(/\.$/, ''));
  }
  for (const [label, at, pattern] of labelPatterns(config)) checkPattern(pattern, ['labels', label, at], 'value', names, report);
  for (const [index, limit] of blocksOf(config, 'limits')) {
    checkScope(limit, ['limits', index], names, report);
    checkLimit(limit, ['limits', index], report);
  }
  for (const [index, budget] of blocksOf(config, 'budgets')) {
    checkScope(budget, ['budgets', index], names, report);
    for (const [at, profile] of textsOf(budget, 'profiles')) checkProfileName(profile, ['budgets', index, 'profiles', at], names, report);
  }
  checkBudgets(config, report);
  for (const [index, guard] of blocksOf(config, 'guards')) checkScope(guard, ['guards', index], names, report);
  checkGuards(config, report);
  checkTelemetry(config, report);
}

function checkProfiles(config: Block, names: Names, report: Report): void {
  const ids = keysOf(config, 'profiles');
  for (const id of ids) {
    if (!PROFILE_ID.test(id)) report.problem(['profiles', id], 'key', 'a profile\'s id is part of its address: 1 to 64 letters, digits, "-" and "_", beginning with a letter or a digit');
  }
  checkUnique(ids.map((id) => [id, ['profiles', id]] as const), 'profile', 'key', report);
  for (const [id, profile] of blocksIn(config, 'profiles')) {
    const path = ['profiles', id];
    for (const key of ['include', 'exclude']) {
      for (const [at, pattern] of textsOf(profile, key)) checkPattern(pattern, [...path, key, at], 'value', names, report);
    }
    const overrides = blocksIn(profile, 'tools');
    for (const [tool] of overrides) {
      const at = [...path, 'tools', tool];
      if (!tool.includes('/') || tool.includes('*')) report.problem(at, 'key', 'expected one tool, written "server/tool" without "*"');
      else checkPattern(tool, at, 'key', names, report);
    }
    checkUnique(overrides.flatMap(([tool, override]) => {
      const name = textOf(override, 'name');
      return name === undefined ? [] : [[name, [...path, 'tools', tool, 'name']] as const];
    }), 'tool of this profile', 'value', report);
  }
}

function checkIds(config: Block, kind: string, report: Report): void {
  const key = `${kind}s`;
  const ids = blocksOf(config, key).flatMap(([index, block]) => {
    const id = textOf(block, 'id');
    return id === undefined ? [] : [[id, [key, index, 'id']] as const];
  });
  for (const [id, path] of ids) {
    if (!ID.test(id)) report.problem(path, 'value', `a ${kind}'s id has 1 to 128 letters, digits and "._@:+-", and begins with a letter or a digit`);
  }
  checkUnique(ids, kind, 'value', report);
}

function checkCallers(callers: readonly [number, Block][], names: Names, report: Report): void {
  const keys = new Map<string, number>();
  for (const [index, caller] of callers) {
    const path = ['callers', index];
    for (const [at, profile] of textsOf(caller, 'profiles')) checkProfileName(profile, [...path, 'profiles', at], names, report);
    const written = textOf(caller, 'key');
    if (written === undefined) continue;
    const key = withEnvPrefix(written);
    const at = [...path, 'key'];
    if (keys.has(key)) report.problem(at, 'value', `callers[${keys.get(key)}] has the same key; a key stands for one caller`);
    else checkKey(key, at, report);
    keys.set(key, index);
  }
}

function checkKey(key: string, at: Path, report: Report): void {
  if (key.trim() === '') report.problem(at, 'value', 'expected a reference to a key such as ${env:NAME}, found an empty text');
  else if (/^sha256:/i.test(key)) {
    if (!/^sha256:[0-9a-f]{64}$/i.test(key)) report.problem(at, 'value', 'expected "sha256:" and 64 hexadecimal digits, found something else', 'Take the hash whole from what "signalbox keys create" printed.');
  } else if (key.includes('${')) checkSecretText('key', key, at, report);
  else report.warning(at, 'value', 'a key stands here in clear', 'Keep it out of the file with ${env:NAME} or ${file:PATH}, or write its hash.');
}

function checkProfileName(profile: string, path: Path, names: Names, report: Report): void {
  if (names.profiles.includes(profile)) return;
  report.problem(path, 'value', `names a profile that is not configured: "${profile.slice(0, 64)}"`, didYouMean(profile, names.profiles) ?? `Of profiles, ${quoteList(names.profiles)}.`);
}

/** A typo in who or what a rule is for makes it match nothing, which is not seen until it matters. */
function checkScope(block: Block, path: Path, names: Names, report: Report): void {
  for (const [at, pattern] of textsOf(block, 'tools')) checkPattern(pattern, [...path, 'tools', at], 'value', names, report);
  if (names.callers.length === 0) return;
  for (const [at, caller] of textsOf(block, 'callers')) {
    if (!names.callers.includes(caller)) report.warning([...path, 'callers', at], 'value', `no caller has the id "${caller.slice(0, 64)}"`, didYouMean(caller, names.callers));
  }
  for (const [at, role] of textsOf(block, 'roles')) {
    if (!names.roles.includes(role)) report.warning([...path, 'roles', at], 'value', `no caller has the role "${role.slice(0, 64)}"`, didYouMean(role, names.roles));
  }
}

function checkPattern(pattern: string, path: Path, at: 'key' | 'value', names: Names, report: Report): void {
  const slash = pattern.indexOf('/');
  if (slash === -1) {
    if (pattern.includes('*')) return;
    const hint = names.servers.includes(pattern) ? `Did you mean "${pattern}/*"?` : undefined;
    return report.warning(path, at, 'matches no tool, since tools are written "server/tool"', hint);
  }
  const server = pattern.slice(0, slash);
  if (server.includes('*') || names.servers.includes(server)) return;
  const nearest = suggest(server, names.servers);
  report.warning(path, at, `no server has the id "${server.slice(0, 64)}", so this matches nothing`, nearest === undefined ? `Of servers, ${quoteList(names.servers)}.` : `Did you mean "${nearest}${pattern.slice(slash)}"?`);
}

const COUNTED = ['caller', 'tenant', 'server', 'tool', 'profile'];

function checkLimit(limit: Block, path: Path, report: Report): void {
  if (!Object.hasOwn(limit, 'rate') && !Object.hasOwn(limit, 'concurrent')) report.problem(path, 'key', 'a limit needs a "rate" (such as 600/min) or "concurrent" (such as 20), or both');
  if (Object.hasOwn(limit, 'burst') && !Object.hasOwn(limit, 'rate')) report.problem([...path, 'burst'], 'key', 'goes only with a "rate"');
  for (const [index, counted] of textsOf(limit, 'per')) {
    if (COUNTED.includes(counted) || /^args(?:\.[^.\s]+)+$/.test(counted)) continue;
    report.problem([...path, 'per', index], 'value', `expected one of ${COUNTED.join(', ')}, or args.PATH, found "${counted.slice(0, 64)}"`, didYouMean(counted, COUNTED));
  }
}
