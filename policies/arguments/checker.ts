/**
 * Whether arguments fit a tool's schema: read and bounded first, made ready when a call first needs it, checked within
 * a budget. Nothing is ever fetched, and a schema beyond the bounds is the problem of its own tool only.
 */
import type { ArgumentCheck, ArgumentChecker } from '../../core/guard.ts';
import type { JsonObject } from '../../core/json.ts';
import { boundCosts } from './bounds.ts';
import { Check, OverBudget } from './check.ts';
import { boundPatterns } from './patterns.ts';
import { planOf, type Plan } from './plan.ts';
import { asDoubles, readSchema, SchemaProblem, type SchemaGraph } from './schema.ts';
import { unfitMessage } from './words.ts';

export interface ArgumentCheckerOptions {
  /** Schemas kept ready; the one that was not used for longest goes first. */
  readonly maxReady?: number;
}

const MAX_READY = 500;
const FIT: ArgumentCheck = { type: 'fit' };

export function createArgumentChecker({ maxReady = MAX_READY }: ArgumentCheckerOptions = {}): ArgumentChecker {
  // In the order of use; what takes anything has no plan.
  const ready = new Map<JsonObject, Plan | undefined>();

  function find(schema: JsonObject): Plan | undefined {
    let plan = ready.get(schema);
    if (plan === undefined && !ready.has(schema)) {
      const graph = examine(schema);
      plan = isOpen(graph) ? undefined : planOf(graph);
      if (ready.size >= maxReady) ready.delete(ready.keys().next().value as JsonObject);
    } else if (ready.size > maxReady / 2) ready.delete(schema);
    else return plan;
    ready.set(schema, plan);
    return plan;
  }

  return {
    problemOf(schema) {
      try {
        examine(schema);
        return undefined;
      } catch (error) {
        return `The schema of its arguments is beyond the bounds: ${error instanceof SchemaProblem ? error.message : 'it cannot be read'}.`;
      }
    },
    check(schema, args) {
      try {
        const plan = find(schema);
        if (plan === undefined) return FIT;
        const check = new Check();
        return check.fits(plan, asDoubles(args)) ? FIT : { type: 'unfit', message: unfitMessage(check.failure) };
      } catch (error) {
        if (error instanceof OverBudget) return { type: 'unfit', message: 'The arguments are too large, or too deep, to be checked against the schema of the tool.' };
        return { type: 'unfit', message: 'The arguments could not be checked against the schema of the tool.' };
      }
    },
  };
}

/** @throws SchemaProblem */
function examine(schema: JsonObject): SchemaGraph {
  const graph = readSchema(schema);
  boundCosts(graph);
  boundPatterns(graph);
  return graph;
}

/** Arguments are an object always, so that saying so says nothing. */
const isOpen = ({ root }: SchemaGraph): boolean =>
  root.edges.length === 0 && !root.isNever && Object.entries(root.says).every(([keyword, value]) => keyword === 'type' && (value as string[]).includes('object'));
