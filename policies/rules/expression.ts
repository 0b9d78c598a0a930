/**
 * CEL, as rules use it: the declared variables, a linear `matches`, and compilation into a condition.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md. It decides nothing.
 */
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import type { DecisionRequest } from '../../core/decision.ts';
import { describeCelError } from './explain-error.ts';
import { inspectShape, type Shape } from './shape.ts';
import { CallerView, CallView, flowOf, FlowView, ToolView, type ArgumentsView } from './view.ts';

export const MAX_EXPRESSION_CHARS = 4096;
/** Text that one evaluation may run through `matches`; 10 to 25 ms for ordinary patterns. */
const MAX_MATCH_CHARS = 64 * 1024;
/** RE2's time is text x program; a pattern with a larger program (instructions) may read that much less text. */
const ORDINARY_PROGRAM = 64;
/** Bound on items x size where a macro compares arguments with arguments. */
const MAX_CORRELATED_WORK = 20_000_000;
/** Bound on all the arguments' text where one argument is searched for another; half of it squared takes 0.1 s at worst. */
const MAX_SEARCHED_CHARS = 64 * 1024;
const LINEAR_MATCHES = 'matchesRe2';

export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

/** Yields true or false. @throws whatever goes wrong inside: the caller denies. */
export type Condition = (request: DecisionRequest, args: ArgumentsView, nowMs: number) => boolean;

export type Compiled = { readonly condition: Condition } | { readonly problem: string };

export interface ExpressionCompiler {
  compile(text: string): Compiled;
}

export function createExpressionCompiler(): ExpressionCompiler {
  const patterns = new Map<string, RE2JS>();
  const budget = { matchChars: 0 };
  const environment = createEnvironment((text, pattern) => {
    const compiled = patterns.get(pattern);
    if (compiled === undefined) throw new ConditionError('matches() with a pattern that was not compiled at load');
    budget.matchChars -= text.length * Math.max(1, compiled.programSize() / ORDINARY_PROGRAM);
    if (budget.matchChars < 0) throw new ConditionError('matches() over more text than one condition may read');
    return compiled.matcher(text).find();
  });

  const compile = (text: string): Compiled => {
    if (text.length > MAX_EXPRESSION_CHARS) {
      return { problem: `the expression has ${text.length} characters; ${MAX_EXPRESSION_CHARS} are allowed` };
    }
    try {
      const parsed = environment.parse(text);
      const shape = inspectShape(parsed.ast);
      const problem = shape.problem ?? compilePatterns(shape, patterns);
      if (problem !== undefined) return { problem: `${problem.message} (column ${problem.offset + 1})` };
      for (const call of shape.matchCalls) pointAtLinearMatches(call);
      const checked = parsed.check();
      if (!checked.valid) return { problem: describeCelError(checked.error, environment) };
      if (checked.type !== 'bool' && checked.type !== 'dyn') {
        return { problem: `the expression yields ${checked.type}; a condition must yield bool` };
      }
      return { condition: createCondition(parsed, shape, budget) };
    } catch (error) {
      return { problem: describeCelError(error, environment) };
    }
  };
  return { compile };
}

function createEnvironment(matches: (text: string, pattern: string) => boolean): Environment {
  const string = 'string';
  return new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2000, maxDepth: 64, maxListElements: 1000, maxMapEntries: 200, maxCallArguments: 8 },
  })
    .registerType('Caller', { ctor: CallerView, fields: { id: string, tenant: string, roles: 'list<string>', proof: string } })
    .registerType('Tool', { ctor: ToolView, fields: { name: string, server: string, ref: string, labels: 'list<string>' } })
    .registerType('Flow', { ctor: FlowView, fields: { seen: 'list<string>' } })
    .registerType('Call', {
      ctor: CallView,
      fields: { face: string, profile: string, protocolVersion: string, now: 'google.protobuf.Timestamp' },
    })
    .registerVariable('args', 'map<string, dyn>')
    .registerVariable('caller', 'Caller')
    .registerVariable('tool', 'Tool')
    .registerVariable('call', 'Call')
    .registerVariable('flow', 'Flow')
    .registerFunction(`string.${LINEAR_MATCHES}(string): bool`, matches)
    .registerFunction(`${LINEAR_MATCHES}(string, string): bool`, matches);
}

/** cel-js backs `matches` with RegExp, which backtracks, and lets no one override it: its calls are renamed instead. */
function pointAtLinearMatches(call: ASTNode): void {
  (call.args as unknown as [string])[0] = LINEAR_MATCHES;
}

/** CEL says that `matches` follows RE2: https://github.com/google/re2/wiki/Syntax. */
function compilePatterns(shape: Shape, patterns: Map<string, RE2JS>): Shape['problem'] {
  for (const { text, offset } of shape.patterns) {
    if (patterns.has(text)) continue;
    try {
      patterns.set(text, RE2JS.compile(text));
    } catch (error) {
      return { message: `the pattern is no RE2 pattern: ${(error as Error).message}`, offset };
    }
  }
  return undefined;
}

function createCondition(
  evaluate: (context: Record<string, unknown>) => unknown,
  { correlated, searching }: Shape,
  budget: { matchChars: number },
): Condition {
  return (request, args, nowMs) => {
    if (correlated && args.nodes * (args.nodes + args.chars) > MAX_CORRELATED_WORK) {
      throw new ConditionError('the arguments are too large to be compared with each other item by item');
    }
    if (searching && args.chars > MAX_SEARCHED_CHARS) {
      throw new ConditionError('the arguments are too long to be searched for each other');
    }
    budget.matchChars = MAX_MATCH_CHARS;
    const result = evaluate({
      args: args.value,
      caller: new CallerView(request),
      tool: new ToolView(request),
      call: new CallView(request, nowMs),
      flow: flowOf(request),
    });
    if (typeof result !== 'boolean') throw new ConditionError('the condition did not yield a boolean');
    return result;
  };
}

/** What is wrong with an expression, in words and with its column; `undefined` where it compiles. */
export function checkExpression(text: string): string | undefined {
  const compiled = createExpressionCompiler().compile(text);
  return 'problem' in compiled ? compiled.problem : undefined;
}
