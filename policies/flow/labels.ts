/** The operator's labels of a tool: a function of its `server/tool` alone. What a server says of itself is no part of it. */
import { compilePatterns } from '../../core/pattern.ts';

export type LabelsOf = (ref: string) => readonly string[] | undefined;

export function compileLabels(labels: Readonly<Record<string, readonly string[]>>): LabelsOf {
  const matchers = Object.keys(labels).sort().map((label) => ({ label, matches: compilePatterns(labels[label]) }));
  if (matchers.length === 0) return () => undefined;
  return (ref) => {
    const own = matchers.flatMap(({ label, matches }) => (matches(ref) ? [label] : []));
    return own.length === 0 ? undefined : Object.freeze(own);
  };
}

/** Sorted, without doubles; `one` itself where `other` adds nothing. */
export function union(one: readonly string[], other: readonly string[]): readonly string[] {
  const fresh = other.filter((label) => !one.includes(label));
  return fresh.length === 0 ? one : Object.freeze([...new Set([...one, ...fresh])].sort());
}
