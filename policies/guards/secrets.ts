/**
 * Credentials in a text, replaced: our own patterns, and secretlint's recommended rules where something could be theirs.
 * A secret of neither shape nor telling name is not found.
 */
import { REDACTED, redactSecrets } from '../redact/text.ts';
import type { Replaced } from './personal.ts';

/** A tenth of the cost: each of the shapes below has one of these. */
const FIRST_SUSPECT = /[_-][\w+/]|A3T|A[A-Z]{2}A|SG\.|hv[sbr]\.|dapi|AIza|:\/\/|secret_?access/i;
/** What every rule of the preset needs to find in a text; the rest is not worth a run of some 30 rules. */
const LINT_SUSPECT =
  /A3T[A-Z0-9]|A(?:KI|GP|ID|RO|IP|NP|NV|SI)A[A-Z0-9]|(?:SECRET|[Ss]ecret)_?(?:ACCESS|[Aa]ccess)|x-oauth-basic|_authToken=|npm_|xox[a-z]-|xapp-|hooks\.slack\.com|sk-[a-z]|sk-[A-Za-z0-9]{20}|gsk_|hf_|lin_api_|ntn_|PRIVATE KEY|private_key|SG\.|shp(?:pa|ca|at|ss)_|[sr]k_(?:live|test)|gh[pousr]_|github_pat_|glpat-|glc_|glsa_|ops_ey|(?:mongodb|mysql|postgres)[a-z+]{0,4}:\/\/|hv[sbr]\.|vc[piark]_|dapi|dckr_pat_|figd_|cf(?:k|ut|at)_|tskey-|AIza|:\/\/[-\w]{1,256}:/i;

/** Texts are given to the rules in pieces that overlap, since some of them take quadratic time. */
const PIECE_CHARS = 4096;
const OVERLAP_CHARS = 1024;

export const mayHoldMore = (text: string): boolean => FIRST_SUSPECT.test(text) && LINT_SUSPECT.test(text);

export function redactKnown(text: string): Replaced {
  const clean = redactSecrets(text);
  return clean === text ? { text, count: 0 } : { text: clean, count: Math.max(1, occurrences(clean) - occurrences(text)) };
}

const occurrences = (text: string): number => text.split(REDACTED).length - 1;

/** Ranges of a text that secretlint takes for secrets. */
export type Lint = (text: string) => Promise<(readonly [start: number, end: number])[]>;

/** Loads secretlint, which takes some 60 ms: once, when a configuration has a use for it. */
export async function loadLint(): Promise<Lint> {
  const [{ lintSource }, { creator }] = await Promise.all([import('@secretlint/core'), import('@secretlint/secretlint-rule-preset-recommend')]);
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, rules: [], options: {} }] };
  return async (text) => {
    // A comment in the text could switch the rules off.
    const content = text.replace(/secretlint-/gi, 'secretlint_');
    const { messages } = await lintSource({ source: { filePath: '/result', content, contentType: 'text', ext: '' }, options: { noPhysicFilePath: true, config } });
    return messages.map(({ range }) => range);
  };
}

export function* piecesOf(text: string): Generator<{ readonly start: number; readonly piece: string }> {
  for (let start = 0; start < text.length; start += PIECE_CHARS - OVERLAP_CHARS) {
    const piece = text.slice(start, start + PIECE_CHARS);
    if (mayHoldMore(piece)) yield { start, piece };
    if (start + PIECE_CHARS >= text.length) return;
  }
}

/** Ranges may touch and overlap: together they are one. */
export function redactRanges(text: string, ranges: readonly (readonly [number, number])[]): Replaced {
  let clean = '';
  let count = 0;
  let end = 0;
  for (const [start, stop] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (stop <= end) continue;
    if (start >= end) {
      clean += text.slice(end, start) + REDACTED;
      count++;
    }
    end = stop;
  }
  return { text: clean + text.slice(end), count };
}
