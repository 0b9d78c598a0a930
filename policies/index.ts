/** What may happen: rules, limits and redaction, for the one call path. */
export { checkExpression } from './rules/expression.ts';
export { checkRules, compileRules, type RuleProblem, type RulesOptions } from './rules/rules.ts';
export { createLimiter, type LimiterOptions, type ReloadableLimiter } from './limits/limiter.ts';
export { createRedactor, type Redactor, type RedactorOptions } from './redact/redactor.ts';
export { redactText } from './redact/text.ts';
export { createBudgetCounts, type BudgetCounts } from './budgets/counts.ts';
export { createBudgets, type BudgetsOptions } from './budgets/budgets.ts';
export { createClock, type Clock } from './limits/clock.ts';
