/**
 * Patterns over names: `*` stands for any run of characters, everything else for itself. Linear in the text.
 */
export type Matcher = (text: string) => boolean;

export function compilePattern(pattern: string): Matcher {
  const parts = pattern.split('*');
  if (parts.length === 1) return (text) => text === pattern;
  const [head = '', ...rest] = parts;
  const tail = rest.pop() ?? '';
  return (text) => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let from = head.length;
    for (const part of rest) {
      const at = text.indexOf(part, from);
      if (at === -1 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
}

/** Matches where any of the patterns does; `undefined` matches everything. */
export function compilePatterns(patterns: readonly string[] | undefined): Matcher {
  if (patterns === undefined) return () => true;
  const matchers = patterns.map(compilePattern);
  return (text) => matchers.some((matches) => matches(text));
}
