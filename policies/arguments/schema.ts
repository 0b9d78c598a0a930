/**
 * A tool's schema read into a graph: what it says of a value, and which schemas it leads to. JSON Schema 2020-12, and
 * what older drafts write differently; what it does not know, or what is malformed, checks nothing. References are
 * followed inside the schema only: nothing is ever fetched. It judges no cost (`bounds.ts`).
 */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';

export type Keyword =
  | '$ref' | 'allOf' | 'anyOf' | 'oneOf' | 'not' | 'if' | 'then' | 'else' | 'dependentSchemas'
  | 'properties' | 'patternProperties' | 'additionalProperties' | 'propertyNames' | 'unevaluatedProperties'
  | 'prefixItems' | 'items' | 'contains' | 'unevaluatedItems';

export interface Edge {
  readonly keyword: Keyword;
  /** The property, pattern or position, where the keyword has several. */
  readonly name: string;
  readonly to: SchemaNode;
}

export interface SchemaNode {
  /** Keywords that look at the value itself, in the words of 2020-12. */
  readonly says: Record<string, unknown>;
  /** JSON values in `says`: about what checking them costs. */
  readonly weight: number;
  /** `false` is the schema that nothing fits. */
  readonly isNever: boolean;
  readonly edges: Edge[];
  /** Some `$ref` leads here. */
  isTarget: boolean;
}

export interface SchemaGraph {
  readonly root: SchemaNode;
  readonly nodes: readonly SchemaNode[];
}

export const MAX_DEPTH = 64;
export const MAX_VALUES = 5_000;
export const MAX_CHARS = 256 * 1024;

/** Why a schema cannot be read, in words. */
export class SchemaProblem extends Error {
  override readonly name = 'SchemaProblem';
}

/** @throws SchemaProblem */
export function readSchema(schema: JsonObject): SchemaGraph {
  const anchors = survey(schema);
  const nodes: SchemaNode[] = [];
  const known = new Map<JsonObject, SchemaNode>();
  const references: { from: SchemaNode; to: string }[] = [];
  let hasInnerId = false;

  function read(value: JsonValue): SchemaNode {
    if (!isJsonObject(value)) return add({ says: {}, weight: 1, isNever: value === false, edges: [], isTarget: false });
    const before = known.get(value);
    if (before !== undefined) return before;
    for (const keyword of ['$dynamicRef', '$recursiveRef']) {
      if (own(value, keyword) !== undefined) throw new SchemaProblem(`it uses "${keyword}", which is not supported`);
    }
    const says = saidOf(value);
    const node = add({ says, weight: 1 + countValues(says), isNever: false, edges: [], isTarget: false });
    known.set(value, node);
    if (value !== schema && isOtherDocument(own(value, '$id'))) hasInnerId = true;
    for (const { keyword, name, schema: inner } of innerOf(value)) node.edges.push({ keyword, name, to: read(inner) });
    const reference = own(value, '$ref');
    if (typeof reference === 'string') references.push({ from: node, to: reference });
    return node;
  }

  function add(node: SchemaNode): SchemaNode {
    nodes.push(node);
    return node;
  }

  const root = read(schema);
  for (let at = 0; at < references.length; at++) {
    const { from, to } = references[at] as { from: SchemaNode; to: string };
    if (hasInnerId) throw new SchemaProblem('it has "$id" inside and "$ref" besides');
    const target = read(resolve(schema, to, anchors));
    target.isTarget = true;
    from.edges.push({ keyword: '$ref', name: '', to: target });
  }
  return { root, nodes };
}

const isOtherDocument = (id: JsonValue | undefined): boolean => typeof id === 'string' && !id.startsWith('#');

/** Bounds on the whole text before anything is made of it; finds the anchors on the way. */
function survey(schema: JsonObject): Map<string, JsonObject> {
  const anchors = new Map<string, JsonObject>();
  let values = 0;
  let chars = 0;
  const visit = (value: JsonValue, depth: number): void => {
    if (++values > MAX_VALUES) throw new SchemaProblem(`it has more than ${MAX_VALUES} values`);
    if (typeof value === 'string') chars += value.length;
    else if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH) throw new SchemaProblem(`it is nested deeper than ${MAX_DEPTH} levels`);
      if (Array.isArray(value)) for (const item of value) visit(item, depth + 1);
      else {
        for (const key of Object.keys(value)) {
          chars += key.length;
          visit(value[key] as JsonValue, depth + 1);
        }
        const anchor = own(value, '$anchor');
        const id = own(value, '$id');
        if (typeof anchor === 'string') anchors.set(anchor, value);
        else if (typeof id === 'string' && id.startsWith('#')) anchors.set(id.slice(1), value);
      }
    }
    if (chars > MAX_CHARS) throw new SchemaProblem(`it has more than ${MAX_CHARS} characters`);
  };
  visit(schema, 0);
  return anchors;
}

/** RFC 6901 in a fragment (RFC 3986, 3.5), an anchor, or the whole; anything else is another document. */
function resolve(schema: JsonObject, reference: string, anchors: ReadonlyMap<string, JsonObject>): JsonValue {
  const id = own(schema, '$id');
  const hash = reference.indexOf('#');
  const document = hash === -1 ? reference : reference.slice(0, hash);
  if (document !== '' && !(typeof id === 'string' && document === id.replace(/#$/, ''))) {
    throw new SchemaProblem(`it refers to another document, ${JSON.stringify(reference.slice(0, 80))}, and nothing is fetched`);
  }
  let found: JsonValue | undefined = schema;
  const fragment = hash === -1 ? '' : decode(reference.slice(hash + 1));
  if (fragment !== '' && !fragment.startsWith('/')) found = anchors.get(fragment);
  else {
    for (const step of fragment.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(found)) found = /^\d{1,6}$/.test(key) ? found[Number(key)] : undefined;
      else found = isJsonObject(found) ? own(found, key) : undefined;
    }
  }
  if (isJsonObject(found) || typeof found === 'boolean') return found;
  throw new SchemaProblem(`its "$ref" ${JSON.stringify(reference.slice(0, 80))} leads to no schema`);
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

interface Inner {
  readonly keyword: Keyword;
  readonly name: string;
  readonly schema: JsonValue;
}

const KINDS = new Map<string, 'single' | 'list' | 'map'>([
  ...['not', 'if', 'then', 'else', 'additionalProperties', 'propertyNames', 'unevaluatedProperties', 'items', 'contains', 'unevaluatedItems'].map((word) => [word, 'single'] as const),
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((word) => [word, 'list'] as const),
  ...['properties', 'patternProperties', 'dependentSchemas', 'dependencies'].map((word) => [word, 'map'] as const),
]);

const isSchema = (value: JsonValue | undefined): value is JsonObject | boolean => isJsonObject(value) || typeof value === 'boolean';

/** The schemas right inside one, under the names that 2020-12 gives them. */
function innerOf(schema: JsonObject): Inner[] {
  const inner: Inner[] = [];
  const isTuple = Array.isArray(own(schema, 'items')); // up to 2019-09
  for (const word of Object.keys(schema)) {
    const kind = isTuple && word === 'items' ? 'list' : isTuple && word === 'additionalItems' ? 'single' : KINDS.get(word);
    if (kind === undefined || (isTuple && word === 'prefixItems')) continue;
    const value = schema[word] as JsonValue;
    const keyword = (isTuple ? (TUPLE_WORDS.get(word) ?? word) : word === 'dependencies' ? 'dependentSchemas' : word) as Keyword;
    if (kind === 'single') {
      if (isSchema(value)) inner.push({ keyword, name: '', schema: value });
    } else if (kind === 'list') {
      // A list with something else among its schemas would mean another thing without it.
      if (Array.isArray(value) && value.every(isSchema)) for (const [index, item] of value.entries()) inner.push({ keyword, name: String(index), schema: item });
    } else if (isJsonObject(value)) {
      for (const name of Object.keys(value)) if (isSchema(value[name])) inner.push({ keyword, name, schema: value[name] });
    }
  }
  return inner;
}

/** In a schema whose `items` is a list. */
const TUPLE_WORDS = new Map([['items', 'prefixItems'], ['additionalItems', 'items'], ['dependencies', 'dependentSchemas']]);

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const;
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains', 'minProperties', 'maxProperties'] as const;

function saidOf(schema: JsonObject): Record<string, unknown> {
  const says: Record<string, unknown> = {};
  const types = typesOf(own(schema, 'type'), own(schema, 'nullable') === true);
  if (types !== undefined) says['type'] = types;
  const values = own(schema, 'enum');
  if (Array.isArray(values) && values.length > 0) says['enum'] = asDoubles(values);
  if (Object.hasOwn(schema, 'const')) says['const'] = asDoubles(schema['const'] as JsonValue);
  for (const keyword of BOUNDS) {
    const bound = asDoubles(own(schema, keyword) ?? null);
    if (typeof bound === 'number' && (keyword !== 'multipleOf' || (bound > 0 && Number.isFinite(bound)))) says[keyword] = bound;
  }
  for (const [flag, plain] of [['exclusiveMinimum', 'minimum'], ['exclusiveMaximum', 'maximum']] as const) {
    if (own(schema, flag) === true && says[plain] !== undefined) says[flag] = says[plain]; // draft-04
  }
  for (const keyword of COUNTS) {
    const count = own(schema, keyword);
    if (Number.isSafeInteger(count) && (count as number) >= 0) says[keyword] = count;
  }
  for (const keyword of ['pattern', 'format'] as const) {
    const text = own(schema, keyword);
    if (typeof text === 'string') says[keyword] = text;
  }
  if (own(schema, 'uniqueItems') === true) says['uniqueItems'] = true;
  const required = textsIn(own(schema, 'required'));
  if (required !== undefined) says['required'] = required;
  const dependent = dependentOf(own(schema, 'dependentRequired'), own(schema, 'dependencies'));
  if (dependent !== undefined) says['dependentRequired'] = dependent;
  return says;
}

function typesOf(type: JsonValue | undefined, isNullable: boolean): string[] | undefined {
  const types = typeof type === 'string' ? [type] : textsIn(type);
  if (types === undefined || types.length === 0 || types.some((word) => !TYPES.has(word))) return undefined;
  return [...new Set(isNullable ? [...types, 'null'] : types)];
}

const textsIn = (value: JsonValue | undefined): string[] | undefined =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string') ? [...new Set(value)] : undefined;

function dependentOf(...maps: readonly (JsonValue | undefined)[]): Record<string, string[]> | undefined {
  const dependent = new Map<string, string[]>();
  for (const map of maps) {
    if (!isJsonObject(map)) continue;
    for (const name of Object.keys(map)) {
      const needs = textsIn(map[name]);
      if (needs !== undefined) dependent.set(name, [...(dependent.get(name) ?? []), ...needs]);
    }
  }
  return dependent.size === 0 ? undefined : Object.fromEntries(dependent);
}

/** A copy, where need be, in which numbers that a double cannot hold are the nearest double. */
export function asDoubles<T extends JsonValue>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (JSON.isRawJSON(value)) return Number((value as { rawJSON?: unknown }).rawJSON) as T;
  let copy: JsonValue[] | JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const inner = (value as JsonObject)[key] as JsonValue;
    const plain = asDoubles(inner);
    if (plain === inner) continue;
    copy ??= Array.isArray(value) ? [...value] : withOwn(value as JsonObject);
    if (key === '__proto__') Object.defineProperty(copy, key, { value: plain, enumerable: true, configurable: true, writable: true });
    else (copy as JsonObject)[key] = plain;
  }
  return (copy ?? value) as T;
}

/** Spreading defines members, so that one called `__proto__` stays a member. */
const withOwn = (object: JsonObject): JsonObject => ({ ...object });

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const key of Object.keys(value)) count += countValues((value as Record<string, unknown>)[key]);
  return count;
}
