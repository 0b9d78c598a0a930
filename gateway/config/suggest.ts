/** "Did you mean": the nearest of the names that would have been right. */
import { distance } from 'fastest-levenshtein';

/** What people write for a key elsewhere, and what it is called here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['timeout', 'timeoutMs'], ['environment', 'env'], ['arguments', 'args'], ['cmd', 'command'], ['uri', 'url'], ['endpoint', 'url'],
  ['directory', 'cwd'], ['transport', 'type'], ['transporttype', 'type'], ['token', 'key'], ['apikey', 'key'], ['condition', 'when'],
  ['if', 'when'], ['action', 'effect'], ['users', 'callers'], ['clients', 'callers'], ['policies', 'rules'], ['policy', 'rules'],
  ['logging', 'log'], ['server', 'servers'], ['allow', 'include'], ['block', 'exclude'],
]);

export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  if (word.length > 100) return undefined;
  const names = [...candidates];
  const known = ELSEWHERE.get(lower.replaceAll(/[-_]/g, ''));
  if (known !== undefined && names.includes(known)) return known;
  let best: string | undefined;
  // Two swapped letters count as two.
  let bestDistance = Math.max(word.length < 4 ? 1 : 2, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const away = distance(lower, name.toLowerCase());
    if (away < bestDistance) [best, bestDistance] = [name, away];
  }
  return best;
}

/** `Did you mean "command"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const nearest = suggest(word, candidates);
  return nearest === undefined ? undefined : `Did you mean "${nearest}"?`;
}
