/** What may happen: rules, limits and redaction, for the one call path. */
export { checkExpression } from './rules/expression.ts';
export { checkRules, compileRules, type RuleProblem, type RulesOptions } from './rules/rules.ts';
export { createLimiter, type LimiterOptions, type ReloadableLimiter } from './limits/limiter.ts';
export { createRedactor, type Redactor, type RedactorOptions } from './redact/redactor.ts';
export { createKnownSecrets, type KnownSecrets } from './redact/known.ts';
export { redactText } from './redact/text.ts';
export { createBudgetCounts, type BudgetCounts } from './budgets/counts.ts';
export { createBudgets, type BudgetsOptions } from './budgets/budgets.ts';
export { createClock, type Clock } from './limits/clock.ts';
export { createNameRegister, type NameProblem, type NameRegister } from './names/register.ts';
export { holdsInvisible, likenesses, skeleton } from './names/skeleton.ts';
export { diffDefinitions, type Change, type TextPiece } from './pins/diff.ts';
export { standingOf, type Modes, type ToolFacts } from './pins/standing.ts';
export { scanDefinition } from './scan/definition.ts';
export { createOtherToolFinder, type NamedTool } from './scan/other-tools.ts';
export { scanText, type TextFinding } from './scan/scan.ts';
export { createFlow, type FlowOptions } from './flow/flow.ts';
export { compileLabels, type LabelsOf } from './flow/labels.ts';
