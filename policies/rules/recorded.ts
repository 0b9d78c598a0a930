/**
 * Rules over a call that was recorded: what they decide, for certain, though not all of its arguments may be known.
 * A condition that reads an unknown argument may be true, false or fail; each of these is followed to its end.
 */
import type { Decision, DecisionRequest, Effect } from '../../core/decision.ts';
import type { RuleSettings } from '../../core/settings.ts';
import type { Subject } from './candidates.ts';
import type { RecordedArguments } from './recorded-arguments.ts';
import { compileRules, type CompiledRule, type Said } from './rules.ts';

export type RecordedDecision =
  /** `rule` is absent where no rule decides. */
  | { readonly type: 'decided'; readonly effect: Effect; readonly rule: string | undefined }
  /** Whichever way the unknown turns out. `rules` could decide; `undefined` among them is none. */
  | { readonly type: 'effect-only'; readonly effect: Effect; readonly rules: readonly (string | undefined)[] }
  /** Rules that read what is unknown. */
  | { readonly type: 'undecidable'; readonly rules: readonly string[] };

export interface RecordedRules {
  mayAllow(subject: Subject): boolean;
  /** `request.args` is not looked at. Never throws. */
  decide(request: DecisionRequest, args: RecordedArguments, nowMs: number): RecordedDecision;
}

/** Three to the power of this many ways are followed; with more unknown conditions on one call it is undecidable. */
const MAX_UNKNOWN = 6;
const WAYS: readonly Said[] = [{ type: 'yes' }, { type: 'no' }, { type: 'error', error: undefined }];

export function compileRecordedRules(settings: readonly RuleSettings[]): RecordedRules {
  const rules = compileRules(settings);
  return {
    mayAllow: (subject) => rules.mayAllow(subject),
    decide(request, args, nowMs) {
      const { levels } = rules.candidates(request);
      const said = new Map<CompiledRule, Said>();
      const unknown: CompiledRule[] = [];
      for (const rule of levels.flat()) {
        const word = ask(rule, request, args, nowMs);
        if (word === 'unknown') unknown.push(rule);
        else said.set(rule, word);
      }
      const judged = (): Decision => rules.judge(levels, (rule) => said.get(rule) as Said);
      if (unknown.length === 0) return decided(judged());
      if (unknown.length > MAX_UNKNOWN) return { type: 'undecidable', rules: idsOf(unknown) };
      const outcomes = new Map<string, Decision>();
      const follow = (at: number): void => {
        const rule = unknown[at];
        if (rule === undefined) {
          const decision = judged();
          outcomes.set(`${decision.effect} ${decision.rule ?? ''}`, decision);
          return;
        }
        for (const way of WAYS) {
          said.set(rule, way);
          follow(at + 1);
        }
      };
      follow(0);
      return summed([...outcomes.values()], unknown);
    },
  };
}

function ask({ condition }: CompiledRule, request: DecisionRequest, args: RecordedArguments, nowMs: number): Said | 'unknown' {
  if (condition === undefined) return { type: 'yes' };
  args.takeTouched();
  try {
    const type = condition(request, args.view, nowMs) ? 'yes' : 'no';
    return args.takeTouched() ? 'unknown' : { type };
  } catch (error) {
    // Bounds on the size of arguments fail here where only a bound on the size is known.
    const isCertain = !args.takeTouched() && (args.isWhole || (error as Error | undefined)?.name !== 'ConditionError');
    return isCertain ? { type: 'error', error } : 'unknown';
  }
}

const decided = ({ effect, rule }: Decision): RecordedDecision => ({ type: 'decided', effect, rule });

function summed(outcomes: readonly Decision[], unknown: readonly CompiledRule[]): RecordedDecision {
  const [first] = outcomes as [Decision];
  if (outcomes.length === 1) return decided(first);
  const sameEffect = outcomes.every(({ effect }) => effect === first.effect);
  return sameEffect ? { type: 'effect-only', effect: first.effect, rules: outcomes.map(({ rule }) => rule) } : { type: 'undecidable', rules: idsOf(unknown) };
}

const idsOf = (rules: readonly CompiledRule[]): string[] => rules.map(({ settings }) => settings.id);
