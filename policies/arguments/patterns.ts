/**
 * Patterns of schemas, run by RE2: linear in the text. JSON Schema means those of ECMA-262; what only a backtracking
 * engine can do (looking around, back references) is not checked here, and left to the tool's own server.
 */
import { RE2JS } from 're2js';
import { SchemaProblem, type SchemaGraph } from './schema.ts';

/** Steps of all compiled patterns of a schema, as estimated from their text; 10,000 take about 25 ms to compile. */
export const MAX_STEPS = 10_000;
const STEPS_OF_ANY = 64;

/** A repeated group counts as the whole pattern, which it may be. @throws SchemaProblem */
export function boundPatterns({ nodes }: SchemaGraph): void {
  let steps = 0;
  const add = (source: string): void => {
    steps += STEPS_OF_ANY + source.length;
    for (const [, group, least = '0', most = '0'] of source.matchAll(/(\))?\{(\d{1,9})(?:,(\d{0,9}))?\}/g)) {
      steps += Math.max(Number(least), Number(most)) * (group === undefined ? 1 : source.length);
    }
    if (steps > MAX_STEPS) throw new SchemaProblem(`its patterns are too large (beyond ${MAX_STEPS} steps with ${JSON.stringify(source.slice(0, 80))})`);
  };
  for (const { says, edges } of nodes) {
    if (says['pattern'] !== undefined) add(says['pattern'] as string);
    for (const { keyword, name } of edges) if (keyword === 'patternProperties') add(name);
  }
}

/** @returns undefined for a pattern that RE2 does not know */
export function compilePattern(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source));
  } catch {
    return undefined;
  }
}
