/** Which guards speak of a call, and their strictest words put together. */
import type { DecisionRequest } from '../../core/decision.ts';
import { compilePatterns } from '../../core/pattern.ts';
import type { GuardSettings } from '../../core/settings.ts';
import { createCandidateCache } from '../rules/candidates.ts';

/** A word, and the guard that says it. */
export interface Word<W extends string> {
  readonly word: W;
  readonly guard: string;
}

/** What no guard speaks of is absent. */
export interface GuardPlan {
  readonly secrets?: Word<'redact' | 'block'>;
  readonly personal?: Word<'redact' | 'block'>;
  readonly injection?: Word<'mark' | 'block'>;
  readonly cap?: { readonly maxBytes: number; readonly guard: string };
}

export type Subject = Pick<DecisionRequest, 'principal' | 'route' | 'profile'>;

/** @returns what is to be done about a call's result; `undefined`: nothing */
export function createPlanner(guards: readonly GuardSettings[]): (subject: Subject) => GuardPlan | undefined {
  const tests = guards.map((guard) => {
    const isTool = compilePatterns(guard.tools);
    return ({ principal, route }: Subject): boolean =>
      isTool(route.ref) &&
      (guard.callers === undefined || guard.callers.includes(principal.id)) &&
      (guard.roles === undefined || guard.roles.some((role) => principal.roles.includes(role)));
  });
  return createCandidateCache((subject) => combine(guards.filter((_, at) => tests[at]?.(subject) === true)));
}

function combine(guards: readonly GuardSettings[]): GuardPlan | undefined {
  const strictest = <K extends 'secrets' | 'personal' | 'injection', W extends string>(kind: K, soft: W): Word<W | 'block'> | undefined => {
    const found = guards.find((guard) => guard[kind] === 'block') ?? guards.find((guard) => guard[kind] === soft);
    return found === undefined ? undefined : { word: found[kind] as W | 'block', guard: found.id };
  };
  const secrets = strictest('secrets', 'redact');
  const personal = strictest('personal', 'redact');
  const injection = strictest('injection', 'mark');
  const caps = guards.flatMap(({ id, maxBytes }) => (maxBytes === undefined ? [] : [{ maxBytes, guard: id }]));
  const cap = caps.sort((a, b) => a.maxBytes - b.maxBytes)[0];
  if (secrets === undefined && personal === undefined && injection === undefined && cap === undefined) return undefined;
  return { ...(secrets && { secrets }), ...(personal && { personal }), ...(injection && { injection }), ...(cap && { cap }) };
}
