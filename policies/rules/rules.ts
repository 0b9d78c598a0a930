/**
 * The rules of one configuration, compiled: deny > ask > allow, and an error denies. Rules in shadow are heard and not obeyed.
 * It resolves no names and holds no state but a bounded cache.
 */
import type { AskTerms, Decision, DecisionRequest, Effect, Rules, RuleTrace, ShadowDecision } from '../../core/decision.ts';
import { canonicalJson, sha256Hex } from '../../core/json.ts';
import { compilePatterns, type Matcher } from '../../core/pattern.ts';
import type { RuleSettings } from '../../core/settings.ts';
import { createCandidateCache, type Subject } from './candidates.ts';
import { callerSafeReason, operatorReason } from './explain-error.ts';
import { createExpressionCompiler, type Condition, type ExpressionCompiler } from './expression.ts';
import { viewArguments, type ArgumentsView } from './view.ts';

export interface RuleProblem {
  readonly rule: string;
  readonly message: string;
}

export interface RulesOptions {
  /** Epoch milliseconds, for `call.now`. */
  readonly now?: () => number;
}

export interface CompiledRule {
  readonly settings: RuleSettings;
  readonly isShadow: boolean;
  readonly tools: Matcher;
  readonly condition: Condition | undefined;
  /** What is decided when it matches. */
  readonly decision: Decision;
}

/** The rules that are about one tool, caller and profile. */
export interface Candidates {
  readonly levels: readonly (readonly CompiledRule[])[];
  readonly shadow: readonly CompiledRule[];
}

/** What one rule says of one call. */
export type Said = { readonly type: 'no' | 'yes' } | { readonly type: 'error'; readonly error: unknown };

/** Rules, and the parts of deciding that do not depend on how conditions are evaluated. */
export interface CompiledRules extends Rules {
  candidates(subject: Subject): Candidates;
  judge(levels: Candidates['levels'], ask: (rule: CompiledRule) => Said): Decision;
}

const LEVELS: readonly Effect[] = ['deny', 'ask', 'allow'];

/** Every expression that does not compile. Rules that have a problem are compiled into ones that deny. */
export function checkRules(rules: readonly RuleSettings[]): RuleProblem[] {
  const compiler = createExpressionCompiler();
  return rules.flatMap(({ id, when }) => {
    const compiled = when === undefined ? undefined : compiler.compile(when);
    return compiled !== undefined && 'problem' in compiled ? [{ rule: id, message: compiled.problem }] : [];
  });
}

export function compileRules(settings: readonly RuleSettings[], { now = Date.now }: RulesOptions = {}): CompiledRules {
  const hash = sha256Hex(canonicalJson(settings));
  const compiler = createExpressionCompiler();
  const rules = settings.map((rule) => compileRule(rule, compiler, hash));
  const enforced = rules.filter(({ isShadow }) => !isShadow).length;
  const nothing = rules.length === 0 ? 'no rules are configured' : 'no rules but shadow ones are configured';
  const nothingToCheck: Decision = { effect: 'allow', reason: `allowed: ${nothing}`, policyHash: hash };
  const noMatch: Decision = { effect: 'deny', reason: 'denied: no rule allows it', policyHash: hash };
  const failedToJudge: Decision = { effect: 'deny', reason: 'denied: the rules could not be evaluated', policyHash: hash };
  const candidates = createCandidateCache((request): Candidates => {
    const applicable = rules.filter((rule) => whyNotApplicable(rule, request) === undefined);
    return {
      levels: LEVELS.map((level) => applicable.filter(({ isShadow, settings: { effect } }) => !isShadow && effect === level)),
      shadow: applicable.filter(({ isShadow }) => isShadow),
    };
  });

  const judge = (levels: Candidates['levels'], ask: (rule: CompiledRule) => Said): Decision => {
    if (enforced === 0) return nothingToCheck;
    for (const level of levels) {
      let decided: Decision | undefined;
      let failed: Decision | undefined;
      // Every rule of the level is asked, so that an error denies whatever the order of the rules.
      for (const rule of level) {
        const said = ask(rule);
        if (said.type === 'yes') decided ??= rule.decision;
        else if (said.type === 'error') failed ??= deniedByError(rule, said.error, hash);
      }
      if (failed !== undefined && decided?.effect !== 'deny') return failed;
      if (decided !== undefined) return decided;
    }
    return noMatch;
  };

  return {
    hash,
    count: enforced,
    candidates,
    judge,
    decide(request) {
      if (rules.length === 0) return nothingToCheck;
      try {
        const { levels, shadow } = candidates(request);
        const ask = createAsker(request, now);
        const decision = judge(levels, ask);
        return shadow.length === 0 ? decision : withShadow(decision, shadow, ask);
      } catch {
        return failedToJudge;
      }
    },
    mayAllow(request) {
      if (enforced === 0) return true;
      const [denying = [], ...granting] = candidates(request).levels;
      return denying.every((rule) => rule.condition !== undefined) && granting.some((level) => level.length > 0);
    },
    explain(request) {
      const ask = createAsker(request, now);
      const trace = rules.map((rule) => traceOf(rule, request, ask));
      return { decision: this.decide(request), trace };
    },
  };
}

function compileRule(settings: RuleSettings, compiler: ExpressionCompiler, policyHash: string): CompiledRule {
  const verb = { allow: 'allowed', ask: 'held for approval', deny: 'denied' }[settings.effect];
  return {
    settings,
    isShadow: settings.mode === 'shadow',
    tools: compilePatterns(settings.tools),
    condition: settings.when === undefined ? undefined : compileCondition(settings.when, compiler),
    decision: Object.freeze({
      effect: settings.effect,
      rule: settings.id,
      reason: settings.reason ?? `${verb} by rule "${settings.id}"`,
      policyHash,
      ...(settings.effect === 'ask' ? { ask: termsOf(settings) } : {}),
    }),
  };
}

const ASK_EXPIRES_MS = 600_000;

const termsOf = ({ approvers = ['self'], expiresInMs = ASK_EXPIRES_MS, remember = 'once', rememberForMs }: RuleSettings): AskTerms =>
  Object.freeze({ approvers, expiresInMs, remember, ...(rememberForMs === undefined ? {} : { rememberForMs }) });

/** A condition that does not compile was refused at load; should one get here, it denies. */
function compileCondition(text: string, compiler: ExpressionCompiler): Condition {
  const compiled = compiler.compile(text);
  if ('condition' in compiled) return compiled.condition;
  return () => {
    throw new Error(compiled.problem);
  };
}

/** Everything but the condition; `undefined` where the rule is about this call. Depends on the candidate cache's key only. */
function whyNotApplicable(rule: CompiledRule, { principal, route, profile }: Subject): string | undefined {
  const { callers, roles, profiles } = rule.settings;
  if (!rule.tools(route.ref)) return `tool ${route.ref} matches none of its tools`;
  if (callers !== undefined && !callers.includes(principal.id)) return `caller ${principal.id} is not among its callers`;
  if (roles !== undefined && !roles.some((role) => principal.roles.includes(role))) return 'the caller has none of its roles';
  if (profiles !== undefined && (profile === undefined || !profiles.includes(profile))) {
    return profile === undefined ? 'it is for certain profiles, and the call came without one' : `profile ${profile} is not among its profiles`;
  }
  return undefined;
}

function createAsker(request: DecisionRequest, now: () => number): (rule: CompiledRule) => Said {
  let args: ArgumentsView | undefined;
  return ({ condition }) => {
    if (condition === undefined) return YES;
    try {
      args ??= viewArguments(request.args);
      return condition(request, args, now()) ? YES : NO;
    } catch (error) {
      return { type: 'error', error };
    }
  };
}

/** Evaluated after the decision is made, so that nothing in a shadow rule can change it. */
function withShadow(decision: Decision, rules: readonly CompiledRule[], ask: (rule: CompiledRule) => Said): Decision {
  let shadow: ShadowDecision[] | undefined;
  for (const rule of rules) {
    const said = ask(rule);
    if (said.type !== 'no') (shadow ??= []).push({ rule: rule.settings.id, effect: said.type === 'error' ? 'deny' : rule.settings.effect });
  }
  return shadow === undefined ? decision : { ...decision, shadow };
}

const YES: Said = { type: 'yes' };
const NO: Said = { type: 'no' };

const deniedByError = ({ settings: { id } }: CompiledRule, error: unknown, policyHash: string): Decision => ({
  effect: 'deny',
  rule: id,
  reason: `denied: the condition of rule "${id}" failed (${callerSafeReason(error)})`,
  policyHash,
});

function traceOf(rule: CompiledRule, request: DecisionRequest, ask: (rule: CompiledRule) => Said): RuleTrace {
  const { id, effect } = rule.settings;
  const trace = (matched: boolean, why: string): RuleTrace => ({ rule: id, effect, matched, why, ...(rule.isShadow ? { shadow: true } : {}) });
  const notApplicable = whyNotApplicable(rule, request);
  if (notApplicable !== undefined) return trace(false, notApplicable);
  const said = ask(rule);
  switch (said.type) {
    case 'yes':
      return trace(true, rule.condition === undefined ? 'it has no condition' : 'its condition is true');
    case 'no':
      return trace(false, 'its condition is false');
    case 'error':
      return trace(false, `its condition failed, which ${rule.isShadow ? 'would deny' : 'denies'} where it is reached: ${operatorReason(said.error)}`);
    default:
      return said satisfies never;
  }
}
