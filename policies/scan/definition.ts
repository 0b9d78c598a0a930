/**
 * Every text of a tool's definition that a model may read: name, titles, descriptions, and all names, enum values, defaults,
 * examples and comments of the schemas. Bounded: what is beyond the bounds is a finding itself.
 */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Finding } from '../../core/pin.ts';
import { reviewedParts } from '../../core/tool.ts';
import { finding, scanText, type TextFinding } from './scan.ts';
import { findSecretsInName } from './secrets.ts';
import { wordsOf } from './words.ts';

/** UTF-16 units of text in one definition. */
export const MAX_SCANNED = 256 * 1024;
const MAX_DEPTH = 128;
const MAX_FINDINGS = 50;

/** @returns false to stop */
type Visit = (text: string, at: string, isName: boolean) => boolean;

/** Never throws. High findings first. */
export function scanDefinition(definition: JsonObject): Finding[] {
  const findings: Finding[] = [];
  let left = MAX_SCANNED;
  const add = (at: string, found: readonly TextFinding[]): void => {
    for (const one of found) findings.push({ ...one, at });
  };
  const isWhole = walk(reviewedParts(definition), '', 0, (text, at, isName) => {
    left -= text.length;
    if (left < 0) return false;
    add(at, scanText(text));
    if (isName) add(at, findSecretsInName(wordsOf(splitCase(text))).map((said) => finding('asks-secrets', said)));
    return true;
  });
  if (!isWhole) add('', [finding('unscanned', { severity: 'high', message: `it holds more text, or is nested deeper, than is looked at (${MAX_SCANNED} characters, ${MAX_DEPTH} levels)` })]);
  return findings.sort((a, b) => rank(a) - rank(b)).slice(0, MAX_FINDINGS);
}

const rank = ({ severity }: Finding): number => (severity === 'high' ? 0 : 1);

const splitCase = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1 $2');

/** @returns false where it was told to stop, or went too deep */
function walk(value: JsonValue, at: string, depth: number, visit: Visit): boolean {
  if (typeof value === 'string') return visit(value, at, false);
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    const texts = value.filter((item) => typeof item === 'string');
    // A sentence may be told in pieces.
    if (texts.length > 1 && !visit(texts.join(' '), at, false)) return false;
    return value.every((item, index) => walk(item, `${at}/${index}`, depth + 1, visit));
  }
  return Object.entries(value).every(([key, inner]) => {
    const pointer = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return visit(key, pointer, isPropertyName(at)) && walk(inner, pointer, depth + 1, visit);
  });
}

const isPropertyName = (at: string): boolean => at.endsWith('/properties');
