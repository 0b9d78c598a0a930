/**
 * What a budget counts apart, as texts that say what they are: `calls/day caller=alice`. Another unit, period or `per`
 * is another text, so that a budget whose meaning was changed does not go on from counts that meant something else.
 */
import type { DecisionRequest } from '../../core/decision.ts';
import { sha256Hex } from '../../core/json.ts';
import type { BudgetSettings } from '../../core/settings.ts';
import { COUNTED_BY } from '../counted.ts';

export type KeysOf = (request: DecisionRequest) => readonly string[];

/** Anything else is replaced by its SHA-256, which no plain text can be taken for. */
const PLAIN = /^[A-Za-z0-9_.@:+/-]{1,64}$/;

/** Calls by keys beyond the bound of counts share this one; no key of a call looks like it. */
export const othersKey = (budget: BudgetSettings): string => `${meaningOf(budget)} (others)`;

/** What all keys of a budget begin with; ends before the first space. */
export const meaningOf = ({ unit, period }: BudgetSettings): string => `${unit}/${period}`;

/** @throws Error on a word that nothing is counted by */
export function compileKeys(budget: BudgetSettings): KeysOf {
  const head = meaningOf(budget);
  const parts = budget.per.filter((word) => word !== 'role').map((word) => ({ word, valueOf: valueBy(word) }));
  const byRole = budget.per.includes('role');
  return (request) => {
    let key = head;
    for (const { word, valueOf } of parts) key += ` ${word}=${bounded(valueOf(request))}`;
    return byRole ? rolesOf(budget, request).map((role) => `${key} role=${role}`) : [key];
  };
}

/** A call counts on each of its caller's roles that the budget is about. */
function rolesOf({ roles: about }: BudgetSettings, { principal: { roles } }: DecisionRequest): string[] {
  const counted = new Set(about === undefined ? roles : roles.filter((role) => about.includes(role)));
  return counted.size === 0 ? ['(none)'] : [...counted].map(bounded);
}

function valueBy(word: string): (request: DecisionRequest) => string {
  const common = COUNTED_BY.get(word);
  if (common !== undefined) return common;
  if (word === 'profile') return ({ profile }) => profile ?? '';
  throw new Error(`"${word}" is nothing that a budget can count apart`);
}

const bounded = (text: string): string => (PLAIN.test(text) ? text : text === '' ? '(none)' : `#${sha256Hex(text)}`);
