/** What does not fit, in words for the model: where, and what was expected. Never a value that came. */
import { printable } from '../../core/text.ts';
import { redactText } from '../redact/text.ts';
import type { Failure } from './check.ts';

const MAX_NAMED_VALUES = 20;
const MAX_VALUE_CHARS = 200;
const MAX_PATH_CHARS = 200;

export function unfitMessage(failure: Failure | undefined): string {
  if (failure === undefined) return 'The arguments do not fit the schema of the tool.';
  const path = failure.path.toReversed().map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const where = path === '' ? 'The arguments do' : `Argument "${nameOf(path)}" does`;
  return `${where} not fit the schema of the tool: ${expectation(failure)}.`;
}

/** Names in the arguments are the caller's own. */
const nameOf = (name: string): string => redactText(printable(name), MAX_PATH_CHARS);

const shown = (value: unknown): string => printable((JSON.stringify(value) ?? '').slice(0, MAX_VALUE_CHARS));

function expectation({ keyword, detail }: Failure): string {
  switch (keyword) {
    case 'type':
      return `expected ${(detail as string[]).join(' or ')}`;
    case 'required':
      return `"${nameOf(String(detail))}" is missing`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `there is no "${nameOf(String(detail))}" in it`;
    case 'propertyNames':
      return `the name "${nameOf(String(detail))}" is not allowed`;
    case 'enum':
    case 'const': {
      const values = detail as unknown[];
      return `expected ${values.length === 1 ? '' : 'one of '}${values.slice(0, MAX_NAMED_VALUES).map(shown).join(', ')}${values.length > MAX_NAMED_VALUES ? ', ...' : ''}`;
    }
    case 'pattern':
      return `expected text that matches ${shown(detail)}`;
    case 'oneOf':
      return detail === 'several' ? 'it fits more than one of the forms of which it must be one' : 'it fits none of the forms that are allowed';
    default:
      return WORDS[keyword]?.(String(detail)) ?? 'it is not allowed';
  }
}

const WORDS: Readonly<Record<string, (detail: string) => string>> = {
  minimum: (bound) => `expected a number of ${bound} or more`,
  maximum: (bound) => `expected a number of ${bound} or less`,
  exclusiveMinimum: (bound) => `expected a number above ${bound}`,
  exclusiveMaximum: (bound) => `expected a number below ${bound}`,
  multipleOf: (step) => `expected a multiple of ${step}`,
  minLength: (count) => `expected a text of ${count} characters or more`,
  maxLength: (count) => `expected a text of ${count} characters or less`,
  format: (name) => `expected a text in the format "${name}"`,
  minItems: (count) => `expected ${count} items or more`,
  maxItems: (count) => `expected ${count} items or less`,
  uniqueItems: () => 'expected items that all differ',
  contains: (count) => `expected ${count} or more items of a form that it lacks`,
  maxContains: (count) => `expected ${count} items or less of a form that it has more often`,
  minProperties: (count) => `expected ${count} members or more`,
  maxProperties: (count) => `expected ${count} members or less`,
  anyOf: () => 'it fits none of the forms that are allowed',
  not: () => 'it has a form that is not allowed',
  never: () => 'nothing is allowed here',
};
