/**
 * The graph of a schema made ready for checking: each keyword where its check looks for it, patterns and formats as tests.
 * Linear in the schema, and no code is generated of what a server wrote. The checking is `check.ts`.
 */
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { RE2JS } from 're2js';
import { canonicalJson } from '../../core/json.ts';
import { compilePattern } from './patterns.ts';
import type { Edge, SchemaGraph, SchemaNode } from './schema.ts';

export interface Pattern {
  readonly source: string;
  /** Compiled when it is first needed; `undefined` where RE2 does not know it. */
  compiled(): RE2JS | undefined;
}

export interface AllowedValues {
  readonly keyword: 'enum' | 'const';
  readonly primitives: ReadonlySet<unknown>;
  /** Canonical JSON of the others. */
  readonly texts: ReadonlySet<string>;
  /** As the schema has them. */
  readonly shown: readonly unknown[];
}

/** One schema. What it does not say is `undefined` or empty. */
export interface Plan {
  readonly isNever: boolean;
  readonly types: readonly string[] | undefined;
  readonly allowed: readonly AllowedValues[];
  readonly numbers: readonly (readonly [keyword: string, bound: number])[];
  readonly minLength: number;
  readonly maxLength: number;
  readonly pattern: Pattern | undefined;
  readonly format: { readonly name: string; readonly test: (text: string) => boolean } | undefined;
  readonly hasStringWords: boolean;

  readonly required: readonly string[];
  readonly minProperties: number;
  readonly maxProperties: number;
  readonly dependentRequired: readonly (readonly [name: string, needs: readonly string[]])[];
  readonly properties: ReadonlyMap<string, Plan>;
  readonly patternProperties: readonly (readonly [pattern: RE2JS, plan: Plan])[];
  readonly additionalProperties: Plan | undefined;
  readonly propertyNames: Plan | undefined;
  readonly looksAtMembers: boolean;

  readonly minItems: number;
  readonly maxItems: number;
  readonly uniqueItems: boolean;
  readonly prefixItems: readonly Plan[];
  readonly items: Plan | undefined;
  readonly contains: { readonly plan: Plan; readonly min: number; readonly max: number } | undefined;

  /** `$ref` and `allOf`. */
  readonly all: readonly Plan[];
  readonly any: readonly Plan[];
  readonly one: readonly Plan[];
  readonly not: Plan | undefined;
  readonly condition: { readonly test: Plan; readonly pass: Plan | undefined; readonly fail: Plan | undefined } | undefined;
  readonly dependentSchemas: readonly (readonly [name: string, plan: Plan])[];
  readonly unevaluatedProperties: Plan | undefined;
  readonly unevaluatedItems: Plan | undefined;
}

export function planOf({ root }: SchemaGraph): Plan {
  const plans = new Map<SchemaNode, Plan>();
  const find = (node: SchemaNode): Plan => {
    const known = plans.get(node);
    if (known !== undefined) return known;
    // References go round: a plan is known before it is complete.
    const plan = {} as Plan;
    plans.set(node, plan);
    const edges = grouped(node);
    return Object.assign(plan, wordsOf(node), membersOf(node, edges, find), itemsOf(node, edges, find), combinationsOf(edges, find));
  };
  return find(root);
}

const count = (node: SchemaNode, keyword: string, fallback: number): number => (node.says[keyword] as number | undefined) ?? fallback;

type Edges = Partial<Record<Edge['keyword'], Edge[]>>;

function grouped({ edges }: SchemaNode): Edges {
  const groups: Edges = {};
  for (const edge of edges) (groups[edge.keyword] ??= []).push(edge);
  return groups;
}

const NONE: readonly never[] = [];
const NO_PROPERTIES: ReadonlyMap<string, Plan> = new Map();

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const;

function wordsOf(node: SchemaNode) {
  const { says } = node;
  const allowed: AllowedValues[] = [];
  if (says['enum'] !== undefined) allowed.push(allowedOf('enum', says['enum'] as unknown[]));
  if (Object.hasOwn(says, 'const')) allowed.push(allowedOf('const', [says['const']]));
  const pattern = says['pattern'] === undefined ? undefined : lazyPattern(says['pattern'] as string);
  const format = formatOf(says['format']);
  const minLength = count(node, 'minLength', 0);
  const maxLength = count(node, 'maxLength', Infinity);
  return {
    isNever: node.isNever,
    types: says['type'] as string[] | undefined,
    allowed,
    numbers: BOUNDS.filter((keyword) => says[keyword] !== undefined).map((keyword) => [keyword, says[keyword] as number] as const),
    minLength,
    maxLength,
    pattern,
    format,
    hasStringWords: minLength > 0 || maxLength < Infinity || pattern !== undefined || format !== undefined,
  };
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

function allowedOf(keyword: AllowedValues['keyword'], values: readonly unknown[]): AllowedValues {
  return { keyword, primitives: new Set(values.filter(isPlain)), texts: new Set(values.filter((value) => !isPlain(value)).map(canonicalJson)), shown: values };
}

function lazyPattern(source: string): Pattern {
  let compiled: { readonly pattern: RE2JS | undefined } | undefined;
  return { source, compiled: () => (compiled ??= { pattern: compilePattern(source) }).pattern };
}

/** Formats whose tests mean the same to everybody. Others are annotations (JSON Schema 2020-12, validation, 7.2.1). */
const FORMATS = new Set(['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']);
/** None of them has a longer value. */
const MAX_FORMATTED_CHARS = 1024;

function formatOf(name: unknown): Plan['format'] {
  if (typeof name !== 'string' || !FORMATS.has(name)) return undefined;
  const known = fullFormats[name as keyof typeof fullFormats];
  const validate = typeof known === 'object' && 'validate' in known ? known.validate : known;
  const matches = (validate instanceof RegExp ? (text: string) => validate.test(text) : validate) as (text: string) => boolean;
  return { name, test: (text) => text.length <= MAX_FORMATTED_CHARS && matches(text) };
}

type Find = (node: SchemaNode) => Plan;

const single = (edges: Edge[] | undefined, find: Find): Plan | undefined => (edges?.[0] === undefined ? undefined : find(edges[0].to));

function membersOf(node: SchemaNode, edges: Edges, find: Find) {
  const patterns = (edges.patternProperties ?? NONE).map(({ name, to }) => [compilePattern(name), find(to)] as const);
  // What a pattern names that cannot be run is not known, and so neither is what it leaves to the others.
  const isForeign = patterns.some(([pattern]) => pattern === undefined);
  const parts = {
    required: (node.says['required'] as string[] | undefined) ?? NONE,
    minProperties: count(node, 'minProperties', 0),
    maxProperties: count(node, 'maxProperties', Infinity),
    dependentRequired: node.says['dependentRequired'] === undefined ? NONE : Object.entries(node.says['dependentRequired'] as Record<string, string[]>),
    properties: edges.properties === undefined ? NO_PROPERTIES : new Map(edges.properties.map(({ name, to }) => [name, find(to)])),
    patternProperties: isForeign ? [] : (patterns as [RE2JS, Plan][]),
    additionalProperties: isForeign ? undefined : single(edges.additionalProperties, find),
    propertyNames: single(edges.propertyNames, find),
    unevaluatedProperties: isForeign ? undefined : single(edges.unevaluatedProperties, find),
  };
  const looksAtMembers = parts.properties.size > 0 || parts.patternProperties.length > 0 || parts.additionalProperties !== undefined || parts.propertyNames !== undefined;
  return { ...parts, looksAtMembers };
}

function itemsOf(node: SchemaNode, edges: Edges, find: Find) {
  const contains = single(edges.contains, find);
  return {
    minItems: count(node, 'minItems', 0),
    maxItems: count(node, 'maxItems', Infinity),
    uniqueItems: node.says['uniqueItems'] === true,
    prefixItems: (edges.prefixItems ?? NONE).map(({ to }) => find(to)),
    items: single(edges.items, find),
    contains: contains === undefined ? undefined : { plan: contains, min: count(node, 'minContains', 1), max: count(node, 'maxContains', Infinity) },
    unevaluatedItems: single(edges.unevaluatedItems, find),
  };
}

function combinationsOf(edges: Edges, find: Find) {
  const list = (some: readonly Edge[] = NONE): Plan[] => some.map(({ to }) => find(to));
  const test = single(edges.if, find);
  return {
    all: [...list(edges.$ref), ...list(edges.allOf)],
    any: list(edges.anyOf),
    one: list(edges.oneOf),
    not: single(edges.not, find),
    condition: test === undefined ? undefined : { test, pass: single(edges.then, find), fail: single(edges.else, find) },
    dependentSchemas: (edges.dependentSchemas ?? NONE).map(({ name, to }) => [name, find(to)] as const),
  };
}
