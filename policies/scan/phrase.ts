/**
 * Phrases over words: `ignore|disregard ~2 previous|prior ~1 instructions` is a word of the first kind, then within two
 * words more one of the second, and so on. Matching looks at a bounded number of words from each: linear in the text.
 */
import { unleet } from './words.ts';

export interface Phrase {
  /** Words that it may begin with. */
  readonly first: readonly string[];
  /** Index after its last word where it begins at `at`, or -1. */
  end(words: readonly string[], at: number): number;
}

interface Step {
  /** Words that may stand between this one and the one before. */
  readonly gap: number;
  readonly among: ReadonlySet<string>;
}

export function compilePhrase(text: string): Phrase {
  const steps: Step[] = [];
  let gap = 0;
  for (const part of text.split(' ')) {
    if (part.startsWith('~')) gap = Number(part.slice(1));
    else {
      steps.push({ gap, among: new Set(part.split('|').map(unleet)) });
      gap = 0;
    }
  }
  const [first, ...rest] = steps;
  const reach = (words: readonly string[], at: number, index: number): number => {
    const step = rest[index];
    if (step === undefined) return at;
    for (let next = at; next <= at + step.gap && next < words.length; next++) {
      if (!step.among.has(words[next] as string)) continue;
      const end = reach(words, next + 1, index + 1);
      if (end !== -1) return end;
    }
    return -1;
  };
  return { first: [...(first as Step).among], end: (words, at) => reach(words, at + 1, 0) };
}

export interface PhraseHit<T> {
  readonly about: T;
  /** The words that matched. */
  readonly words: string;
}

/** Looks for many phrases at once; each is told at most once for a text. */
export function createPhraseBook<T>(phrases: readonly (readonly [text: string, about: T])[]): (words: readonly string[]) => PhraseHit<T>[] {
  const byFirst = new Map<string, { readonly phrase: Phrase; readonly about: T }[]>();
  for (const [text, about] of phrases) {
    const phrase = compilePhrase(text);
    for (const word of phrase.first) byFirst.set(word, [...(byFirst.get(word) ?? []), { phrase, about }]);
  }
  return (words) => {
    let hits: Map<Phrase, PhraseHit<T>> | undefined;
    for (let at = 0; at < words.length; at++) {
      const starting = byFirst.get(words[at] as string);
      if (starting === undefined) continue;
      for (const { phrase, about } of starting) {
        if (hits?.has(phrase) === true) continue;
        const end = phrase.end(words, at);
        if (end !== -1) (hits ??= new Map()).set(phrase, { about, words: words.slice(at, end).join(' ') });
      }
    }
    return hits === undefined ? [] : [...hits.values()];
  };
}
