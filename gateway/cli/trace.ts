/** What each rule said of a call, as a table. */
import type { RuleTrace } from '../../core/decision.ts';
import { table } from './print.ts';

/** @param decided marked as the rule that decided */
export const traceTable = (trace: readonly RuleTrace[], decided?: string): string =>
  table([
    ['RULE', 'EFFECT', 'MATCHES', 'WHY'],
    ...trace.map(({ rule, effect, matched, why, shadow }) => [`${rule}${rule === decided ? ' *' : ''}`, shadow === true ? `${effect} (shadow)` : effect, matched ? 'yes' : 'no', why]),
  ]);
