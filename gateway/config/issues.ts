/** What zod found, in words: what was expected, what came, and the nearest right name. Values that may be secret are left out. */
import { z } from 'zod';
import { quoted, type Path } from './problem.ts';
import type { Report } from './report.ts';
import { configSchema } from './schema.ts';
import { didYouMean } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** Members whose values, and all that is within, are never printed. */
const SECRET_MEMBERS = new Set(['headers', 'env', 'key', 'args', 'url', 'command']);

export const mayHoldSecret = (path: Path): boolean => path.some((part) => typeof part === 'string' && SECRET_MEMBERS.has(part));

const KINDS: Readonly<Record<string, string>> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a block of "key: value" members', record: 'a block of "key: value" members',
};

/** @param schema what the value was checked with: it knows the right names */
export function reportIssues(issues: readonly Issue[], value: unknown, report: Report, schema: z.ZodType = configSchema): void {
  for (const issue of issues) reportIssue(issue, value, report, schema);
}

function reportIssue(issue: Issue, root: unknown, report: Report, schema: z.ZodType): void {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const came = lookUp(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return reportUnknownKeys(path, issue.keys, report, schema);
    case 'invalid_type':
      return came === undefined
        ? report.problem(path, 'key', `is missing: expected ${KINDS[issue.expected] ?? issue.expected}`)
        : report.problem(path, 'value', `expected ${KINDS[issue.expected] ?? issue.expected}, found ${found(came, path)}`, typeHint(issue.expected, came));
    case 'invalid_value': {
      const names = issue.values.map(String);
      if (came === undefined) return report.problem(path, 'key', `is missing: expected ${oneOf(names)}`);
      return report.problem(path, 'value', `expected ${oneOf(names)}, found ${found(came, path)}`, typeof came === 'string' ? didYouMean(came, names) : undefined);
    }
    case 'too_small':
      return report.problem(path, 'value', `expected ${bound(issue.origin, 'at least', issue.minimum)}, found ${found(came, path)}`);
    case 'too_big':
      return report.problem(path, 'value', `expected ${bound(issue.origin, 'at most', issue.maximum)}, found ${found(came, path)}`);
    default:
      return report.problem(path, 'value', `${issue.message}, found ${found(came, path)}`);
  }
}

function reportUnknownKeys(path: Path, keys: readonly string[], report: Report, schema: z.ZodType): void {
  const known = knownKeys(path, schema);
  for (const key of keys) {
    const list = known.length === 0 ? undefined : `Known here: ${known.join(', ')}.`;
    report.problem([...path, key], 'key', 'unknown key', didYouMean(key, known) ?? list);
  }
}

const oneOf = (names: readonly string[]) => (names.length === 1 ? quoted(names[0] ?? '') : `one of ${names.join(', ')}`);

const bound = (origin: string, word: string, limit: number | bigint) =>
  origin === 'string' ? `text of ${word} ${limit} characters` : origin === 'array' ? `a list of ${word} ${limit} entries` : `${word} ${limit}`;

/** What came, in words; only its kind where it may be a secret. */
export function found(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (an empty value)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a block of "key: value" members';
  const secret = mayHoldSecret(path);
  if (typeof value === 'string') return secret ? 'other text' : `the text ${quoted(value)}`;
  if (typeof value === 'number') return secret ? 'a number' : `the number ${value}`;
  return secret ? 'true or false' : String(value);
}

function typeHint(expected: string, came: unknown): string | undefined {
  if (expected === 'string' && (typeof came === 'number' || typeof came === 'boolean')) return 'Put it in quotes.';
  if (expected === 'array' && typeof came === 'string') return 'Write it as a list: [entry, entry].';
  if ((expected === 'number' || expected === 'int') && typeof came === 'string' && /^\d+$/.test(came)) return 'Remove the quotes.';
  if (expected === 'boolean' && typeof came === 'string' && /^(?:yes|no|on|off)$/i.test(came)) return 'YAML 1.2 knows true and false only.';
  if (expected === 'record' && Array.isArray(came)) return 'Here each member has its id as the key, "id: {...}", not a list.';
  if (expected === 'array' && typeof came === 'object') return 'Here each entry starts with "- " and names its id within, "- { id: ... }".';
  return undefined;
}

function lookUp(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The keys that the schema knows at a path. */
function knownKeys(path: Path, root: z.ZodType): string[] {
  let schema: unknown = root;
  for (const part of path) {
    const at = unwrap(schema);
    if (at instanceof z.ZodObject) schema = (at.shape as Record<string, unknown>)[part];
    else if (at instanceof z.ZodRecord) schema = at.valueType;
    else if (at instanceof z.ZodArray) schema = at.element;
    else return [];
  }
  const last = unwrap(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape).filter((key) => key !== '$schema') : [];
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) inner = inner.unwrap();
  return inner;
}
