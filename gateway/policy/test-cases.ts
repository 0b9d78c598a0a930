/** Each case decided by the rules as a call would be, without servers. */
import type { Decision, DecisionRequest, RuleTrace } from '../../core/decision.ts';
import type { Settings } from '../../core/settings.ts';
import { compileLabels, compileRules } from '../../policies/index.ts';
import type { PolicyCase } from './cases.ts';

export interface Came {
  readonly effect: Decision['effect'] | 'hidden';
  readonly rule?: string;
  readonly reason: string;
}

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly expected: { readonly effect: PolicyCase['expect']; readonly rule?: string; readonly reason?: string };
  readonly came: Came;
  readonly trace: readonly RuleTrace[];
}

export function createCaseRunner(settings: Settings): (one: PolicyCase) => CaseResult {
  let nowMs = 0;
  const rules = compileRules(settings.rules, { now: () => nowMs });
  const labelsOf = compileLabels(settings.labels);
  return (one) => {
    nowMs = one.now === undefined ? Date.now() : Date.parse(one.now);
    const request = requestOf(one, settings, labelsOf(one.tool));
    const { decision, trace } = rules.explain(request);
    const isHidden = !rules.mayAllow(request);
    const { rule, reason } = decision;
    const came: Came = { effect: isHidden ? 'hidden' : decision.effect, ...(rule === undefined ? {} : { rule }), reason };
    // What does not exist for a caller is denied as well.
    const effectFits = one.expect === came.effect || (isHidden && one.expect === 'deny');
    const passed = effectFits && (one.rule === undefined || one.rule === rule) && (one.reason === undefined || one.reason === reason);
    const expected = { effect: one.expect, ...(one.rule === undefined ? {} : { rule: one.rule }), ...(one.reason === undefined ? {} : { reason: one.reason }) };
    return { name: one.name, passed, expected, came, trace };
  };
}

function requestOf(one: PolicyCase, { callers }: Settings, labels: readonly string[] | undefined): DecisionRequest {
  const configured = callers.find(({ id }) => id === one.caller);
  const slash = one.tool.indexOf('/');
  return {
    principal: { id: one.caller ?? 'local', tenant: configured?.tenant ?? 'default', roles: one.roles ?? configured?.roles ?? [], proof: configured === undefined ? 'loopback' : 'key' },
    route: {
      ref: one.tool, server: one.tool.slice(0, slash), tool: one.tool.slice(slash + 1), publicName: one.tool, fingerprint: '', definition: {},
      ...(labels === undefined ? {} : { labels }),
    },
    args: one.args ?? {},
    origin: { face: one.face ?? 'mcp' },
    profile: one.profile,
    ...(one.seen === undefined ? {} : { seen: [...one.seen].sort() }),
  };
}
