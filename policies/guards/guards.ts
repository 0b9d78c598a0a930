/**
 * What may reach the caller of a result: the guards of one configuration. A guard that fails blocks. It keeps nothing,
 * and hands out no handle: what is cut off is given back for that (`gateway/results/`).
 */
import type { Guards, Rest, Verdict } from '../../core/guard.ts';
import type { JsonObject } from '../../core/json.ts';
import type { GuardSettings } from '../../core/settings.ts';
import { cutResult, textOfResult } from './cut.ts';
import { Look, type Found, type Steps } from './look.ts';
import { createPlanner, type GuardPlan, type Subject } from './plan.ts';
import { loadLint, type Lint } from './secrets.ts';

export interface ResultGuards extends Guards {
  /** The bytes of text beyond which a result of this tool may be cut; `undefined`: never. */
  capOf(subject: Subject): number | undefined;
}

export interface GuardsOptions {
  /** secretlint, or what stands in for it. */
  readonly lint?: () => Promise<Lint>;
}

const PASS: Verdict = { type: 'pass' };

export function createGuards(settings: readonly GuardSettings[], { lint: load = loadLint }: GuardsOptions = {}): ResultGuards {
  const planFor = createPlanner(settings);
  // Begun early, since the first result should not wait for it. A failure is that of who needs it.
  let loading: Promise<Lint> | undefined;
  const lint = (): Promise<Lint> => {
    if (loading === undefined) {
      loading = load();
      loading.catch(() => (loading = undefined));
    }
    return loading;
  };
  if (settings.some(({ secrets }) => secrets !== 'pass')) void lint();

  return {
    count: settings.length,
    capOf: (subject) => planFor(subject)?.cap?.maxBytes,
    judge(request, result, bytes) {
      let plan: GuardPlan | undefined;
      try {
        plan = planFor(request);
        if (plan === undefined) return PASS;
        if (plan.secrets === undefined && plan.personal === undefined && plan.injection === undefined) return verdictOn(plan, result, result, {}, bytes);
        const look = new Look(plan, plan.secrets === undefined ? NO_LINT : lint());
        return take(look.value(result, ''), plan, result, look.found, bytes);
      } catch (error) {
        return failed(plan, error);
      }
    },
  };
}

const NO_LINT: Promise<Lint> = Promise.resolve(() => Promise.resolve([]));

/** As far as it goes at once; the rest in turns with other work. */
function take(steps: Steps<unknown>, plan: GuardPlan, result: JsonObject, found: Found, bytes: number): Verdict | Promise<Verdict> {
  const first = steps.next();
  return first.done === true ? verdictOn(plan, result, first.value as JsonObject, found, bytes) : takeLater(steps, first.value, plan, result, found, bytes);
}

async function takeLater(steps: Steps<unknown>, waitsFor: Promise<unknown> | undefined, plan: GuardPlan, result: JsonObject, found: Found, bytes: number): Promise<Verdict> {
  try {
    let waiting = waitsFor;
    for (;;) {
      const given = waiting === undefined ? await new Promise((resolve) => setImmediate(resolve)) : await waiting;
      const step = steps.next(given);
      if (step.done === true) return verdictOn(plan, result, step.value as JsonObject, found, bytes);
      waiting = step.value;
    }
  } catch (error) {
    return failed(plan, error);
  }
}

function failed(plan: GuardPlan | undefined, _error: unknown): Verdict {
  const guard = plan?.secrets?.guard ?? plan?.personal?.guard ?? plan?.injection?.guard ?? plan?.cap?.guard ?? 'guards';
  return { type: 'block', message: `The result is held back, because guard "${guard}" could not look through it.`, found: { failed: 1 }, guard };
}

const KINDS = [
  ['secret', 'secrets', 'credentials'],
  ['personal', 'personal', 'personal data'],
  ['injection', 'injection', 'what reads like instructions to the model'],
  ['hidden', 'injection', 'hidden characters'],
] as const;

function verdictOn(plan: GuardPlan, result: JsonObject, clean: JsonObject, found: Found, bytes: number): Verdict {
  let guard: string | undefined;
  for (const [kind, word, name] of KINDS) {
    if (found[kind] === undefined) continue;
    const said = plan[word];
    guard ??= said?.guard;
    if (said?.word === 'block') return { type: 'block', message: `The result is held back by guard "${said.guard}": it holds ${name}.`, found, guard: said.guard };
  }
  const { cap } = plan;
  // A short answer cannot have longer text than it has bytes; redaction and marks add little.
  const cut = cap === undefined || (bytes <= cap.maxBytes && clean === result) ? clean : cutResult(clean, cap.maxBytes);
  if (cut !== clean && cap !== undefined) {
    const rest: Rest = { result: clean, bytes: Buffer.byteLength(textOfResult(clean)) };
    return { type: 'changed', result: cut, found: { ...found, cut: 1 }, guard: guard ?? cap.guard, rest };
  }
  return clean === result ? PASS : { type: 'changed', result: clean, found, guard: guard ?? 'guards' };
}
