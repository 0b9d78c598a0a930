/**
 * Remembers which rules are about a tool, a caller and a profile. Bounded: it starts anew when full.
 */
import type { DecisionRequest } from '../../core/decision.ts';

/** All that the choice of rules may read: caller, tool and profile. */
export type Subject = Pick<DecisionRequest, 'principal' | 'route' | 'profile'>;

interface Entry<T> {
  readonly profile: string | undefined;
  readonly roles: readonly string[];
  readonly value: T;
}

const MAX_ENTRIES = 10_000;

/** `find` may read the route's ref, the caller's id and roles, and the profile: nothing else is in the key. */
export function createCandidateCache<T>(find: (subject: Subject) => T): (subject: Subject) => T {
  // Nested maps, not a joined key: a tool's name is its upstream's word and could imitate any separator.
  const byTool = new Map<string, Map<string, Entry<T>[]>>();
  let size = 0;
  return (subject) => {
    const { principal, route, profile } = subject;
    const known = byTool.get(route.ref)?.get(principal.id);
    if (known !== undefined) {
      for (const entry of known) if (entry.profile === profile && sameWords(entry.roles, principal.roles)) return entry.value;
    }
    if (size >= MAX_ENTRIES) {
      byTool.clear();
      size = 0;
    }
    const value = find(subject);
    let byCaller = byTool.get(route.ref);
    if (byCaller === undefined) byTool.set(route.ref, (byCaller = new Map()));
    const entry = { profile, roles: [...principal.roles], value };
    const entries = byCaller.get(principal.id);
    if (entries === undefined) byCaller.set(principal.id, [entry]);
    else entries.push(entry);
    size += 1;
    return value;
  };
}

const sameWords = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((word, at) => word === other[at]));
