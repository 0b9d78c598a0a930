/**
 * Errors of CEL in words: with a column and a likely meant name at load, and without argument values for a caller.
 */
import { EvaluationError, ParseError, TypeError as CelTypeError, type Environment } from '@marcbachmann/cel-js';
import { distance } from 'fastest-levenshtein';

type CelError = EvaluationError | ParseError | CelTypeError;

const isCelError = (error: unknown): error is CelError =>
  error instanceof EvaluationError || error instanceof ParseError || error instanceof CelTypeError;

const FIELDS = ['id', 'tenant', 'roles', 'proof', 'name', 'server', 'ref', 'labels', 'face', 'profile', 'protocolVersion', 'now', 'seen'];
const VARIABLES = ['args', 'caller', 'tool', 'call', 'flow'];

/** For whoever writes the expression. */
export function describeCelError(error: unknown, environment: Environment): string {
  if (!isCelError(error)) return `the expression cannot be compiled: ${error instanceof Error ? error.message : String(error)}`;
  const summary = error.summary.replaceAll('matchesRe2', 'matches');
  const column = error.range === undefined ? '' : ` (column ${error.range.start + 1})`;
  return `${summary}${column}${didYouMean(error, summary, environment)}`;
}

function didYouMean(error: CelError, summary: string, environment: Environment): string {
  const [, word] = /(?:variable: |key: |for '(?:[^'(]*\.)?)([A-Za-z_]\w*)/.exec(summary) ?? [];
  if (word === undefined) return '';
  if (error.code === 'unknown_variable') return `; ${suggest(word, VARIABLES)}known variables: ${VARIABLES.join(', ')}`;
  if (error.code === 'no_such_key') return `; ${suggest(word, FIELDS)}`.replace(/; $/, '');
  if (error.code !== 'no_matching_overload') return '';
  const names = new Set(environment.getDefinitions().functions.map(({ name }) => name));
  names.delete('matchesRe2');
  return names.has(word) ? '' : `; ${suggest(word, [...names])}`.replace(/; $/, '');
}

function suggest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, far: distance(word, name) }))
    .sort((one, other) => one.far - other.far);
  return best !== undefined && best.far <= Math.max(1, Math.floor(word.length / 3)) ? `did you mean "${best.name}"? ` : '';
}

/** For whoever made the call: names what the expression itself names, and nothing that came with the call. */
export function callerSafeReason(error: unknown): string {
  if (!isCelError(error)) return error instanceof Error && error.name === 'ConditionError' ? error.message : 'internal error';
  const node = error.node as { op?: string; args?: readonly unknown[] } | undefined;
  const key = node?.op === '.' && error.code === 'no_such_key' ? node.args?.[1] : undefined;
  return typeof key === 'string' ? `there is no "${key}"` : error.code.replaceAll('_', ' ');
}

/** For the operator: the error's own words. */
export const operatorReason = (error: unknown): string =>
  isCelError(error) ? error.summary : error instanceof Error ? error.message : String(error);
