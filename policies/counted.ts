/** What limits and budgets both count apart by a word: who calls what. */
import type { DecisionRequest } from '../core/decision.ts';

export const COUNTED_BY: ReadonlyMap<string, (request: DecisionRequest) => string> = new Map([
  ['caller', ({ principal }) => principal.id],
  ['tenant', ({ principal }) => principal.tenant],
  ['server', ({ route }) => route.server],
  ['tool', ({ route }) => route.ref],
]);
