/**
 * What checking against a schema can cost, from its graph alone: cheap, and before anything is made of it. Finds schemas
 * whose references go round without going deeper, multiply, or multiply with each level of a value.
 */
import { SchemaProblem, type Edge, type SchemaGraph, type SchemaNode } from './schema.ts';

/** Schemas that the references of a schema stand for, written out. */
export const MAX_EXPANDED = 20_000;

/** Whether an edge leads back to where it comes from, sooner or later. */
type IsCyclic = (from: SchemaNode, edge: Edge) => boolean;

/** Applied to the same value, not to a part of it. */
const IN_PLACE = new Set(['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas']);
/** @throws SchemaProblem */
export function boundCosts({ root, nodes }: SchemaGraph): void {
  const component = components(nodes);
  refuseStandingCycles(nodes);
  refuseExpansion(root, nodes, component);
  const isCyclic = (from: SchemaNode, edge: Edge): boolean => component.of.get(from) === component.of.get(edge.to) && component.cyclic.has(component.of.get(from) as number);
  refuseFanOut(
    nodes.filter((node) => component.cyclic.has(component.of.get(node) as number)),
    isCyclic,
  );
}

interface Components {
  readonly of: ReadonlyMap<SchemaNode, number>;
  readonly cyclic: ReadonlySet<number>;
  /** Each after all that it leads to. */
  readonly inOrder: readonly (readonly SchemaNode[])[];
}

/** Strongly connected components (Tarjan 1972). Depth is that of the schema, since every second step is a reference within it. */
function components(nodes: readonly SchemaNode[]): Components {
  const of = new Map<SchemaNode, number>();
  const cyclic = new Set<number>();
  const inOrder: SchemaNode[][] = [];
  const index = new Map<SchemaNode, number>();
  const low = new Map<SchemaNode, number>();
  const open: SchemaNode[] = [];
  const lowest = (node: SchemaNode, value: number): void => void low.set(node, Math.min(low.get(node) as number, value));

  function enter(node: SchemaNode): { node: SchemaNode; next: number } {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    open.push(node);
    return { node, next: 0 };
  }
  function leave(node: SchemaNode): void {
    if (low.get(node) !== index.get(node)) return;
    const members = open.splice(open.lastIndexOf(node));
    for (const member of members) of.set(member, inOrder.length);
    if (members.length > 1 || node.edges.some(({ to }) => to === node)) cyclic.add(inOrder.length);
    inOrder.push(members);
  }
  for (const start of nodes) {
    if (index.has(start)) continue;
    const path = [enter(start)];
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const to = step.node.edges[step.next++]?.to;
      if (to === undefined) {
        path.pop();
        leave(step.node);
        const above = path.at(-1);
        if (above !== undefined) lowest(above.node, low.get(step.node) as number);
      } else if (!index.has(to)) path.push(enter(to));
      else if (!of.has(to)) lowest(step.node, index.get(to) as number);
    }
  }
  return { of, cyclic, inOrder };
}

/** A cycle that stays at one value never ends. */
function refuseStandingCycles(nodes: readonly SchemaNode[]): void {
  const state = new Map<SchemaNode, 'open' | 'done'>();
  for (const start of nodes) {
    const path: { node: SchemaNode; next: number }[] = [];
    const enter = (node: SchemaNode): void => {
      state.set(node, 'open');
      path.push({ node, next: 0 });
    };
    if (!state.has(start)) enter(start);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const edge = step.node.edges[step.next++];
      if (edge === undefined) {
        state.set(step.node, 'done');
        path.pop();
      } else if (IN_PLACE.has(edge.keyword)) {
        const seen = state.get(edge.to);
        if (seen === 'open') throw new SchemaProblem('its references go round in a circle without going deeper into the value');
        if (seen === undefined) enter(edge.to);
      }
    }
  }
}

function refuseExpansion(root: SchemaNode, nodes: readonly SchemaNode[], { of, inOrder }: Components): void {
  const sizes: number[] = [];
  for (const [at, members] of inOrder.entries()) {
    let size = 0;
    for (const node of members) {
      size += node.weight;
      for (const { to } of node.edges) if (of.get(to) !== at) size += sizes[of.get(to) as number] as number;
    }
    sizes.push(size);
  }
  const expanded = sizes[of.get(root) as number] as number;
  if (expanded > MAX_EXPANDED) throw new SchemaProblem(`written out it would have more than ${MAX_EXPANDED} parts (${nodes.length} before its references are followed)`);
}

/** How often a cycle goes on into the part of a name: into those named, and into any other. */
interface Ways {
  readonly named: ReadonlyMap<string, number>;
  readonly other: number;
}

const NOWHERE: Ways = { named: new Map(), other: 0 };

const sum = (a: number, b: number): number => a + b;

/** Names that may be looked at while ways are merged: beyond, a schema is a tangle and not worth the time. */
const MAX_MERGED = 20_000;

/**
 * A cycle that is entered twice for the same part does twice the work at each level. Alternatives count as one: honest
 * unions look like that, and the budget of a check bounds them (`check.ts`).
 */
function refuseFanOut(nodes: readonly SchemaNode[], isCyclic: IsCyclic): void {
  const known = new Map<SchemaNode, Ways>();
  let merged = 0;
  const merge = (one: Ways, two: Ways, how: (a: number, b: number) => number): Ways => {
    if (two === NOWHERE) return one;
    if (one === NOWHERE) return two;
    merged += one.named.size + two.named.size;
    if (merged > MAX_MERGED) throw new SchemaProblem('its references are too tangled to say what checking would cost');
    const named = new Map<string, number>();
    for (const name of [...one.named.keys(), ...two.named.keys()]) named.set(name, how(one.named.get(name) ?? one.other, two.named.get(name) ?? two.other));
    return { named, other: how(one.other, two.other) };
  };
  const waysOf = (at: SchemaNode): Ways => {
    const before = known.get(at);
    if (before !== undefined) return before;
    let ways = partsOf(at, isCyclic);
    const alternatives = new Map<string, Ways>();
    for (const edge of at.edges) {
      if (!IN_PLACE.has(edge.keyword) || !isCyclic(at, edge)) continue;
      const inner = waysOf(edge.to);
      const group = edge.keyword === 'then' || edge.keyword === 'else' ? 'branch' : edge.keyword;
      if (ALTERNATIVES.has(group)) alternatives.set(group, merge(alternatives.get(group) ?? NOWHERE, inner, Math.max));
      else ways = merge(ways, inner, sum);
    }
    for (const group of alternatives.values()) ways = merge(ways, group, sum);
    known.set(at, ways);
    return ways;
  };
  for (const node of nodes) {
    const { named, other } = waysOf(node);
    if (other > 1 || [...named.values()].some((count) => count > 1)) throw new SchemaProblem('it refers to itself more than once for the same part of a value, so that its work multiplies with each level');
  }
}

const ALTERNATIVES = new Set(['anyOf', 'oneOf', 'branch']);

/** Where the schema itself goes on: each property, or each position, that its cycle leads into. */
function partsOf(node: SchemaNode, isCyclic: IsCyclic): Ways {
  const count = (edge: Edge): number => (isCyclic(node, edge) ? 1 : 0);
  const named = new Map<string, number>();
  let everyMember = 0;
  let otherMembers = 0;
  let everyItem = 0;
  let otherItems = 0;
  for (const edge of node.edges) {
    if (edge.keyword === 'properties') named.set(`.${edge.name}`, count(edge));
    else if (edge.keyword === 'prefixItems') named.set(`#${edge.name}`, count(edge));
    else if (edge.keyword === 'patternProperties' || edge.keyword === 'unevaluatedProperties') everyMember += count(edge);
    else if (edge.keyword === 'additionalProperties') otherMembers += count(edge);
    else if (edge.keyword === 'items') otherItems += count(edge);
    else if (edge.keyword === 'contains' || edge.keyword === 'unevaluatedItems') everyItem += count(edge);
  }
  if (named.size === 0 && everyMember + otherMembers + everyItem + otherItems === 0) return NOWHERE;
  for (const [name, ways] of named) named.set(name, ways + (name.startsWith('.') ? everyMember : everyItem));
  // A name is a property or a position, and a value has one kind of them only.
  return { named, other: Math.max(everyMember + otherMembers, everyItem + otherItems) };
}
