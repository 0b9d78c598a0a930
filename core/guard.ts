/** After the call: what may reach the caller. */
import type { DecisionRequest } from './decision.ts';
import type { JsonObject } from './json.ts';

export type FindingKind = 'secret' | 'personal' | 'injection';

export type Verdict =
  | { readonly type: 'pass' }
  /** The result with something taken out, marked or cut; `found` counts what, by kind. */
  | { readonly type: 'changed'; readonly result: JsonObject; readonly found: Readonly<Record<string, number>>; readonly guard: string; readonly rest?: Rest }
  | { readonly type: 'block'; readonly message: string; readonly found: Readonly<Record<string, number>>; readonly guard: string };

/** What was cut off a result that was too large: guarded already, whole. */
export interface Rest {
  readonly result: JsonObject;
  readonly bytes: number;
}

/** All guards of one configuration. */
export interface Guards {
  readonly count: number;
  /** Never throws: a guard that fails blocks. May take a while for large results, and then yields to other work. */
  judge(request: DecisionRequest, result: JsonObject, bytes: number): Verdict | Promise<Verdict>;
}

/** Whether arguments fit a tool's schema. */
export type ArgumentCheck =
  | { readonly type: 'fit' }
  /** In words fit for the model; holds no argument values. */
  | { readonly type: 'unfit'; readonly message: string };

export interface ArgumentChecker {
  /** Why the tool cannot be offered: its schema is beyond the bounds. Cheap; nothing is compiled or fetched. */
  problemOf(schema: JsonObject): string | undefined;
  /** Compiles when it is first needed. A schema that does not compile, or a check that fails, is `unfit`. */
  check(schema: JsonObject, args: JsonObject): ArgumentCheck;
}
