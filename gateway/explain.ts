/** What would become of a call, and why. Nothing is called, counted or recorded. */
import type { Decision, RuleTrace } from '../core/decision.ts';
import { isJsonObject, own, type JsonObject } from '../core/json.ts';
import type { Principal } from '../core/principal.ts';
import type { Box } from './box.ts';
import { prefixedName } from './catalog/names.ts';
import { heldAs } from './pins/index.ts';

export interface Explanation {
  readonly caller: { readonly id: string; readonly roles: readonly string[] };
  /** What the name leads to; absent where there is no such tool, or this caller may not know of it. */
  readonly tool?: string;
  readonly effect: 'allow' | 'ask' | 'deny' | 'unknown';
  readonly reason: string;
  readonly rule?: string;
  readonly policyHash: string;
  /** The operator's labels of the tool. */
  readonly labels?: readonly string[];
  /** What the server says of its tool: never a reason for anything. */
  readonly hints?: JsonObject;
  readonly trace: readonly RuleTrace[];
}

export interface Question {
  /** A public name, also one that this caller does not see, or `server/tool`. */
  readonly name: string;
  readonly args: JsonObject;
  readonly as: string | undefined;
  readonly profile: string | undefined;
  /** Labels taken as touched before; nothing is, where it is absent. */
  readonly seen?: readonly string[];
}

export function explainCall(box: Box, { name, args, as, profile, seen }: Question): Explanation {
  const principal = principalFor(box, as);
  if (principal === undefined) {
    return answer({ id: as ?? '', roles: [] }, 'unknown', `No caller "${as}" is configured.`, box);
  }
  const view = box.view(principal, profile);
  const entry = box.catalog().entries.find(({ ref, server, tool }) => ref === name || prefixedName(server, tool) === name);
  const route = view?.routes.get(name) ?? [...(view?.routes.values() ?? [])].find(({ ref }) => ref === name);
  const considered = route ?? (entry === undefined ? undefined : { ...entry, publicName: entry.ref });
  const held = heldAs(box, name, profile) ?? box.catalog().held.find(({ ref }) => ref === name);
  if (considered === undefined && held !== undefined) return { ...answer(principal, 'unknown', `The tool is quarantined: ${held.standing.why}. A call is answered as one to an unknown tool.`, box), tool: held.ref };
  if (considered === undefined) return answer(principal, 'unknown', `There is no tool "${name}".`, box);
  const { decision, trace } = box.rules.explain({ principal, route: considered, args, origin: { face: 'cli' }, profile, ...(seen === undefined ? {} : { seen }) });
  const hidden = route === undefined ? ' The tool is not shown to this caller: a call is answered as one to an unknown tool.' : '';
  return {
    ...answer(principal, route === undefined ? 'unknown' : decision.effect, decision.reason + hidden, box),
    tool: considered.ref,
    ...(considered.labels === undefined ? {} : { labels: considered.labels }),
    ...hintsOf(considered.definition),
    ...ruleOf(decision),
    trace,
  };
}

function hintsOf(definition: JsonObject): { hints?: JsonObject } {
  const annotations = own(definition, 'annotations');
  return isJsonObject(annotations) ? { hints: annotations } : {};
}

const ruleOf = ({ rule }: Decision) => (rule === undefined ? {} : { rule });

const answer = (caller: { id: string; roles: readonly string[] }, effect: Explanation['effect'], reason: string, box: Box): Explanation => ({
  caller: { id: caller.id, roles: caller.roles },
  effect,
  reason,
  policyHash: box.rules.hash,
  trace: [],
});

function principalFor(box: Box, id: string | undefined): Principal | undefined {
  const { callers } = box.settings;
  if (id === undefined || (callers.length === 0 && id === 'local')) return { id: 'local', tenant: 'default', roles: [], proof: 'cli' };
  const caller = callers.find((candidate) => candidate.id === id);
  if (caller === undefined) return undefined;
  const { tenant, roles, profiles } = caller;
  return { id, tenant, roles, proof: 'cli', ...(profiles === undefined ? {} : { profiles }) };
}
