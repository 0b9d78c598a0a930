/**
 * Arguments against the schemas of the catalog: which tools cannot be offered for what their schemas would cost, and
 * what is wrong with the arguments of a call. What fits and what costs is decided in `policies/arguments/`.
 */
import type { JsonObject } from '../core/json.ts';
import { isJsonObject, own } from '../core/json.ts';
import type { Standing } from '../core/pin.ts';
import type { ArgumentSettings } from '../core/settings.ts';
import type { Route } from '../core/tool.ts';
import { createArgumentChecker } from '../policies/index.ts';
import type { CatalogEntry, Judge } from './catalog/catalog.ts';

export interface Arguments {
  /** Holds back what the given judge lets through and whose schema is beyond the bounds. */
  judge(inner: Judge): Judge;
  /** @returns what does not fit, in words for the model, without values; `undefined` where all does */
  unfit(route: Route, args: JsonObject): string | undefined;
}

/** @returns undefined where nothing is to be checked */
export function createArguments({ mode }: ArgumentSettings): Arguments | undefined {
  if (mode === 'off') return undefined;
  const checker = createArgumentChecker();
  const problems = new WeakMap<JsonObject, { readonly why: string | undefined }>();

  function standingOf({ definition }: CatalogEntry): Standing | undefined {
    const schema = own(definition, 'inputSchema');
    if (!isJsonObject(schema)) return undefined;
    let found = problems.get(schema);
    if (found === undefined) problems.set(schema, (found = { why: checker.problemOf(schema) }));
    if (found.why === undefined) return undefined;
    return { type: mode === 'enforce' ? 'quarantined' : 'noted', cause: 'schema', why: found.why };
  }

  return {
    judge: (inner) => (lists) => {
      const standings = new Map(inner(lists));
      for (const { entries } of lists) {
        for (const entry of entries) {
          if (standings.get(entry)?.type === 'quarantined') continue;
          const standing = standingOf(entry);
          if (standing !== undefined) standings.set(entry, standing);
        }
      }
      return standings;
    },
    unfit({ definition }, args) {
      const schema = definition['inputSchema'];
      if (!isJsonObject(schema)) return undefined;
      const checked = checker.check(schema, args);
      return checked.type === 'fit' ? undefined : checked.message;
    },
  };
}
