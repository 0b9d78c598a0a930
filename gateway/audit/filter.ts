/** What is asked of the ledger, from words: a command's options or a URL's query. Every mistake is told with what was expected. */
import { ERRORS } from '../../core/errors.ts';
import { printable } from '../../core/text.ts';
import { searchQuestion, type SearchFilter } from '../../store/index.ts';
import { didYouMean, parseDuration } from '../config/index.ts';

export const DECISIONS = ['allow', 'ask', 'deny'] as const;
export const OUTCOMES = ['completed', 'failed', 'refused', 'unknown', 'waiting', 'open'] as const;
const CODES = Object.keys(ERRORS);

/** Members of a filter that take any text. */
const TEXTS = ['caller', 'tool', 'server', 'rule', 'call', 'session', 'trace', 'approval'] as const;
export const FILTER_NAMES = [...TEXTS, 'decision', 'outcome', 'code', 'text', 'since', 'until'] as const;

export type FilterWords = Readonly<Partial<Record<(typeof FILTER_NAMES)[number], string>>>;
export type ReadFilter = { readonly ok: true; readonly filter: SearchFilter } | { readonly ok: false; readonly problem: string };

const MAX_WORD_CHARS = 1000;

export function readFilter(words: FilterWords, nowMs: number): ReadFilter {
  const filter: { -readonly [name in keyof SearchFilter]: SearchFilter[name] } = {};
  for (const name of FILTER_NAMES) if ((words[name]?.length ?? 0) > MAX_WORD_CHARS) return { ok: false, problem: `"${name}" is longer than ${MAX_WORD_CHARS} characters.` };
  for (const name of TEXTS) if (words[name] !== undefined) filter[name] = words[name];
  const problems = [
    oneOf('decision', words.decision, DECISIONS, (one) => (filter.decision = one)),
    oneOf('outcome', words.outcome, OUTCOMES, (one) => (filter.outcome = one)),
    oneOf('code', words.code, CODES, (one) => (filter.code = one)),
    time('since', words.since, nowMs, (ms) => (filter.since = ms)),
    time('until', words.until, nowMs, (ms) => (filter.until = ms)),
  ];
  if (words.text !== undefined) {
    filter.text = words.text;
    if (searchQuestion(words.text) === undefined) problems.push('"text" holds no word: letters and digits are looked for.');
  }
  if (filter.since !== undefined && filter.until !== undefined && filter.since > filter.until) problems.push('"since" is later than "until".');
  const problem = problems.find((one) => one !== undefined);
  return problem === undefined ? { ok: true, filter } : { ok: false, problem };
}

function oneOf<T extends string>(name: string, word: string | undefined, choices: readonly T[], take: (word: T) => void): string | undefined {
  if (word === undefined) return undefined;
  const chosen = choices.find((one) => one === word);
  if (chosen !== undefined) return void take(chosen);
  const nearest = didYouMean(word, choices) ?? (choices.length > 6 ? 'docs/errors.md lists them.' : `Expected one of ${choices.join(', ')}.`);
  return `There is no ${name} "${printable(word)}". ${nearest}`;
}

/** A duration before now, or a time. */
function time(name: string, word: string | undefined, nowMs: number, take: (ms: number) => void): string | undefined {
  if (word === undefined) return undefined;
  const ago = parseDuration(word);
  // A bare number would be taken for a year.
  const ms = ago === undefined ? (/^\d{4}-\d\d/.test(word) ? Date.parse(word) : Number.NaN) : nowMs - ago;
  if (Number.isNaN(ms)) return `"${printable(word)}" is no time for "${name}": expected a duration such as 2h or 7d, or a time such as 2026-07-28T10:00:00Z.`;
  return void take(ms);
}
