/** What is wrong with budgets beyond their form: what is counted apart, amounts that nothing can be held within. */
import { blocksOf, member, textOf, textsOf, type Block } from './checks.ts';
import type { Path } from './problem.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

const COUNTED = ['caller', 'tenant', 'role', 'server', 'tool', 'profile'];
/** Bytes held where nothing is said (docs/configuration.md). */
const DEFAULT_RESERVED_BYTES = 65_536;
/** In millionths it is still a number that sums keep exactly. */
const MOST_USD = 9_000_000_000;

export function checkBudgets(config: Block, report: Report): void {
  for (const [index, budget] of blocksOf(config, 'budgets')) {
    const path = ['budgets', index];
    for (const [at, word] of textsOf(budget, 'per')) {
      if (!COUNTED.includes(word)) report.problem([...path, 'per', at], 'value', `expected one of ${COUNTED.join(', ')}, found "${word.slice(0, 64)}"`, didYouMean(word, COUNTED));
      else if (textsOf(budget, 'per').some(([before, other]) => before < at && other === word)) report.problem([...path, 'per', at], 'value', `names "${word}" twice`);
    }
    checkAmounts(budget, path, report);
  }
}

function checkAmounts(budget: Block, path: Path, report: Report): void {
  const unit = textOf(budget, 'unit');
  const limit = numberOf(budget, 'limit');
  const reserve = numberOf(budget, 'reserve');
  for (const [key, amount] of [['limit', limit], ['reserve', reserve]] as const) {
    if (amount !== undefined && unit !== 'usd' && !Number.isInteger(amount)) report.problem([...path, key], 'value', `${unit ?? 'these'} are counted whole: expected a whole number, found ${amount}`);
  }
  if (unit === 'usd' && limit !== undefined && limit > MOST_USD) report.problem([...path, 'limit'], 'value', `expected at most ${MOST_USD} usd, found ${limit}`);
  if (unit === 'usd' && limit !== undefined && limit < 1e-6) report.problem([...path, 'limit'], 'value', `money is counted in millionths: expected at least 0.000001, found ${limit}`);
  if (unit === 'calls' && reserve !== undefined) report.problem([...path, 'reserve'], 'key', 'does not go with calls: a call holds 1');
  else if (limit !== undefined && reserve !== undefined && reserve > limit) report.problem([...path, 'reserve'], 'value', `is more than the limit of ${limit}, so no call would ever be let through`);
  else if (unit === 'bytes' && limit !== undefined && reserve === undefined && limit < DEFAULT_RESERVED_BYTES) {
    report.problem([...path, 'limit'], 'value', `is less than the ${DEFAULT_RESERVED_BYTES} bytes that a call holds, so none would ever be let through`, 'Say with "reserve" what a call holds.');
  } else if ((unit === 'tokens' || unit === 'usd') && reserve === undefined) {
    report.warning([...path, 'unit'], 'value', `without "reserve" a call holds next to nothing until it ends, so calls that run side by side may pass the limit together`, 'Say with "reserve" what a call is likely to use.');
  }
}

function numberOf(block: Block, key: string): number | undefined {
  const value = member(block, key);
  return typeof value === 'number' ? value : undefined;
}
