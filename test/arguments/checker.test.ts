/** Arguments against schemas: ajv as the measure on honest ones, and no schema or arguments that cost more than their own tool. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import { createArgumentChecker } from '../../policies/index.ts';

const checker = createArgumentChecker();
const problemOf = (schema: object) => checker.problemOf(schema as JsonObject);
const check = (schema: object, args: unknown) => checker.check(schema as JsonObject, args as JsonObject);
const messageOf = (schema: object, args: unknown): string => {
  const checked = check(schema, args);
  return checked.type === 'fit' ? 'fit' : checked.message;
};
const fits = (schema: object, args: unknown) => check(schema, args).type === 'fit';

const names = fc.constantFrom('a', 'b', 'c', 'longer');
const scalars = fc.oneof(fc.string({ maxLength: 4 }), fc.integer({ min: -5, max: 5 }), fc.constantFrom(0.5, 1e300, -0), fc.boolean(), fc.constant(null));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalars, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(names, tie('value'), { maxKeys: 4 })),
}));
const small = fc.integer({ min: 0, max: 3 });
const types = fc.constantFrom('string', 'number', 'integer', 'boolean', 'object', 'array', 'null');
const { schema } = fc.letrec<{ schema: JsonObject | boolean }>((tie) => {
  const some = fc.array(tie('schema'), { minLength: 1, maxLength: 3 });
  const map = fc.dictionary(names, tie('schema'), { maxKeys: 3 });
  const words = fc.record(
    {
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: tie('schema'),
      type: fc.oneof(types, fc.uniqueArray(types, { minLength: 1, maxLength: 3 })), enum: fc.array(value, { minLength: 1, maxLength: 3 }), const: value,
      minimum: small, exclusiveMaximum: small, multipleOf: fc.constantFrom(0.5, 1, 2), minLength: small, maxLength: small, pattern: fc.constantFrom('^a', 'b+$', '[0-9]'),
      required: fc.uniqueArray(names, { minLength: 1, maxLength: 2 }), minProperties: small, maxProperties: small, minItems: small, maxItems: small, uniqueItems: fc.boolean(),
      properties: map, patternProperties: fc.dictionary(fc.constantFrom('^a', 'o'), tie('schema'), { maxKeys: 2 }), additionalProperties: tie('schema'), propertyNames: tie('schema'),
      prefixItems: some, items: tie('schema'), contains: tie('schema'), allOf: some, anyOf: some, oneOf: some, not: tie('schema'), if: tie('schema'), else: tie('schema'),
      dependentSchemas: map, dependentRequired: fc.dictionary(names, fc.uniqueArray(names, { minLength: 1, maxLength: 2 }), { maxKeys: 2 }),
      unevaluatedProperties: tie('schema'), unevaluatedItems: tie('schema'), $ref: fc.constantFrom('#/$defs/one', '#/$defs/two'),
    },
    { requiredKeys: [] },
  );
  // Few keywords at once, or nothing fits anything.
  const keywords = fc.tuple(words, fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40, maxLength: 40 })).map(([all, picks]) => {
    const picked = Object.entries(all).filter((_entry, at) => picks[at] === 0);
    return Object.fromEntries(picked) as JsonObject;
  });
  return { schema: fc.oneof({ maxDepth: 3, withCrossShrink: true }, fc.boolean(), keywords) };
});
const whole = fc.tuple(schema, schema, schema).map(([body, one, two]) => ({ ...(typeof body === 'boolean' ? { allOf: [body] } : body), $defs: { one: withoutRefs(one), two } }) as JsonObject);

function withoutRefs(inner: JsonObject | boolean): JsonValue {
  return JSON.parse(JSON.stringify(inner), (key, member: unknown) => (key === '$ref' ? undefined : member)) as JsonValue;
}

/** As it would have come over the wire: ajv tells objects apart by their prototype. */
const sent = <T>(made: T): T => JSON.parse(JSON.stringify(made)) as T;

test('says of honest schemas and arguments what ajv says [ARGS-1]', () => {
  let fitting = 0;
  let compared = 0;
  fc.assert(
    fc.property(whole, fc.array(fc.dictionary(names, value, { maxKeys: 4 }), { minLength: 3, maxLength: 6 }), (generated, samples) => {
      // References within the definitions may go round, which is another test's matter.
      const bounded = sent({ ...generated, $defs: { ...(generated['$defs'] as JsonObject), two: withoutRefs((generated['$defs'] as JsonObject)['two'] as JsonObject) } });
      expect(problemOf(bounded)).toBeUndefined();
      const validate = new Ajv2020({ strict: false, validateSchema: false, multipleOfPrecision: 9, ownProperties: true }).compile(bounded);
      for (const args of sent(samples)) {
        const expected = validate(args);
        compared++;
        if (expected) fitting++;
        expect(fits(bounded, args), JSON.stringify({ bounded, args })).toBe(expected);
      }
    }),
    { numRuns: 100 },
  );
  expect(fitting).toBeGreaterThan(compared / 20);
  expect(fitting).toBeLessThan(compared * 0.95);
});

test('checks trees, filters and lists that refer to themselves, as honest servers write them [ARGS-1]', () => {
  const tree = { type: 'object', properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#' } } }, required: ['name'], additionalProperties: false };
  expect(messageOf(tree, { name: 'a', children: [{ name: 'b', children: [{ name: 'c' }] }] })).toBe('fit');
  expect(messageOf(tree, { name: 'a', children: [{ name: 'b', children: [{ nam: 'c' }] }] })).toBe('Argument "/children/0/children/0" does not fit the schema of the tool: "name" is missing.');
  const args = { type: 'array', items: { $ref: '#/$defs/Filter' } };
  const filter = {
    $defs: { Filter: { oneOf: [{ type: 'object', properties: { op: { const: 'and' }, args }, required: ['op', 'args'] }, { type: 'object', properties: { op: { const: 'or' }, args }, required: ['op', 'args'] }, { type: 'string' }] } },
    properties: { where: { $ref: '#/$defs/Filter' } },
  };
  expect(problemOf(filter)).toBeUndefined();
  expect(fits(filter, { where: { op: 'and', args: ['x', { op: 'or', args: ['y', 'z'] }] } })).toBe(true);
  expect(fits(filter, { where: { op: 'and', args: ['x', { op: 'or', args: [1] }] } })).toBe(false);
  const json = { $defs: { Json: { anyOf: [{ type: ['string', 'number', 'boolean', 'null'] }, { type: 'array', items: { $ref: '#/$defs/Json' } }, { type: 'object', additionalProperties: { $ref: '#/$defs/Json' } }] } }, additionalProperties: { $ref: '#/$defs/Json' } };
  expect(fits(json, { a: [1, { b: [null, 'x'] }] })).toBe(true);
});

test('reads what older drafts, and servers that say nothing, write differently [ARGS-1]', () => {
  const tuple = { properties: { p: { items: [{ type: 'number' }, { type: 'string' }], additionalItems: false } } };
  expect(fits(tuple, { p: [1, 'a'] })).toBe(true);
  expect(fits(tuple, { p: [1, 2] })).toBe(false);
  expect(fits(tuple, { p: [1, 'a', 3] })).toBe(false);
  const depends = { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { Id: { type: 'string' } }, dependencies: { a: ['b'], c: { required: ['d'] } }, properties: { a: { $ref: '#/definitions/Id' } } };
  expect([{ a: 'x' }, { a: 'x', b: 1 }, { c: 1 }, { a: 1, b: 1 }].map((args) => fits(depends, args))).toEqual([false, true, false, false]);
  expect(fits({ properties: { n: { minimum: 3, exclusiveMinimum: true } } }, { n: 3 })).toBe(false);
  expect(fits({ properties: { n: { type: 'string', nullable: true } } }, { n: null })).toBe(true);
  const anchored = { $id: 'https://example.com/tool', $defs: { x: { $anchor: 'here', type: 'number' } }, properties: { a: { $ref: '#here' }, b: { $ref: 'https://example.com/tool#/$defs/x' } } };
  expect([{ a: 1, b: 2 }, { a: 'x' }, { b: 'x' }].map((args) => fits(anchored, args))).toEqual([true, false, false]);
  // What is malformed or unknown checks nothing: the tool still works.
  expect(fits({ properties: { a: { type: 'any', required: true, minimum: 'x', format: 'colour', 'x-hint': 1 } } }, { a: {} })).toBe(true);
});

test('a pattern that only a backtracking engine knows is left to the server [ARGS-1]', () => {
  const email = '^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_\'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$';
  const zod = { properties: { mail: { type: 'string', format: 'email', pattern: email } }, patternProperties: { '(?=x)y': { type: 'number' } }, additionalProperties: false };
  expect(problemOf(zod)).toBeUndefined();
  expect([{ mail: 'a@example.com' }, { mail: 'nobody' }, { other: 1 }].map((args) => fits(zod, args))).toEqual([true, false, true]);
});

test('numbers beyond doubles are numbers, and members like __proto__ are members [ARGS-1]', () => {
  const big = parseLossless('{"id":12345678901234567890,"e":1e400}');
  expect(fits({ properties: { id: { type: 'integer', minimum: 1 }, e: { type: 'number' } } }, big)).toBe(true);
  expect(fits({ properties: { id: { type: 'object' } } }, big)).toBe(false);
  expect(fits(parseLossless('{"properties":{"id":{"maximum":98765432109876543210,"minimum":18446744073709551616}}}') as JsonObject, big)).toBe(false);
  const hostile = JSON.parse('{"__proto__":5,"constructor":"x"}') as JsonObject;
  expect(messageOf(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as object, hostile)).toContain('"/__proto__"');
  expect(fits({ properties: { constructor: { type: 'number' } } }, hostile)).toBe(false);
  expect(fits({ properties: { toString: { type: 'number' } }, additionalProperties: true }, {})).toBe(true);
  expect(messageOf({ required: ['constructor'] }, {})).toContain('"constructor" is missing');
  expect(fits({ additionalProperties: false }, JSON.parse('{"__proto__":5}'))).toBe(false);
});

test('says where and what was expected, and never what came [ARGS-2]', () => {
  const canary = 'hunter2-canary';
  const all = {
    properties: {
      type: { type: 'number' }, enum: { enum: ['a', 'b'] }, const: { const: 'a' }, pattern: { pattern: '^x$' }, format: { format: 'email' }, min: { minLength: 99 }, max: { maxLength: 2 },
      any: { anyOf: [{ type: 'number' }, { const: 'a' }] }, one: { oneOf: [{ type: 'string' }, { minLength: 1 }] }, not: { not: {} }, list: { items: { type: 'number' } }, unique: { uniqueItems: true }, never: false, deep: { additionalProperties: { type: 'null' } },
    },
  };
  for (const name of Object.keys(all.properties)) {
    const message = messageOf(all, { [name]: name === 'list' || name === 'unique' ? [canary, canary] : name === 'deep' ? { x: canary } : canary });
    expect(message, name).toMatch(new RegExp(`^Argument "/${name}(?:/[0x])?" does not fit the schema of the tool: .+\\.$`));
    expect(message).not.toContain('hunter2');
  }
  expect(messageOf(all, { enum: 'c' })).toContain('expected one of "a", "b"');
  expect(messageOf({ additionalProperties: false }, { colour: canary })).toContain('there is no "colour" in it');
});

const doubling = (keyword: string): JsonObject => {
  const $defs: JsonObject = { d30: { required: ['a'] } };
  for (let at = 0; at < 30; at++) $defs[`d${at}`] = { [keyword]: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] };
  return { type: 'object', $defs, [keyword]: [{ $ref: '#/$defs/d0' }] };
};
const nested = (depth: number): JsonObject => (depth === 0 ? {} : { not: nested(depth - 1) });

const HOSTILE = Object.entries<object>({
  '2^30 allOf': doubling('allOf'),
  '2^30 anyOf': doubling('anyOf'),
  '2^30 properties': { $defs: { d31: {}, ...Object.fromEntries(Array.from({ length: 31 }, (_, at) => [`d${at}`, { properties: { a: { $ref: `#/$defs/d${at + 1}` }, b: { $ref: `#/$defs/d${at + 1}` } } }])) }, $ref: '#/$defs/d0' },
  'a reference to itself': { $ref: '#' },
  'a circle in place': { $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' },
  'a circle through not': { not: { $ref: '#' } },
  'work that doubles with each level': { allOf: [{ properties: { a: { $ref: '#' } } }, { properties: { a: { $ref: '#' } } }] },
  'work that doubles with each item': { $defs: { n: { items: { $ref: '#/$defs/n' }, contains: { $ref: '#/$defs/n' } } }, properties: { n: { $ref: '#/$defs/n' } } },
  'a remote reference': { properties: { a: { $ref: 'http://127.0.0.1:9/schema.json' } } },
  'a file reference': { properties: { a: { $ref: 'file:///etc/passwd' } } },
  'a relative reference': { properties: { a: { $ref: 'other.json#/x' } } },
  'a reference to nothing': { properties: { a: { $ref: '#/$defs/none' } } },
  'a reference to __proto__': { properties: { a: { $ref: '#/__proto__' } } },
  'a dynamic reference': { $dynamicAnchor: 'x', properties: { a: { $dynamicRef: '#x' } } },
  'a recursive reference': { properties: { a: { $recursiveRef: '#' } } },
  'too much nesting': nested(200),
  'too many values': { enum: Array.from({ length: 50_000 }, (_, at) => at) },
  'too much text': { description: 'x'.repeat(1_000_000) },
  'patterns that repeat too much': { properties: { a: { pattern: `(${'ab'.repeat(400)}){1000}` } } },
  'too many patterns': { patternProperties: Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`^a${at}`, {}])) },
});

test.each(HOSTILE)('%s makes a schema that its tool cannot be offered with, and that is found in milliseconds [ARGS-3]', (_name, hostile) => {
  const start = performance.now();
  expect(problemOf(hostile)).toMatch(/^The schema of its arguments is beyond the bounds: .+\.$/);
  expect(check(hostile, { a: 1 }).type).toBe('unfit');
  expect(performance.now() - start).toBeLessThan(100);
});

test('what a schema within the bounds can be made to cost is bounded [ARGS-4]', () => {
  const alternatives = { anyOf: [{ properties: { a: { $ref: '#' } }, required: ['z'] }, { properties: { a: { $ref: '#' } }, required: ['z'] }] };
  let deep: JsonObject = { z: 1 };
  for (let at = 0; at < 60; at++) deep = { a: deep };
  const wide = { properties: { a: { items: { anyOf: Array.from({ length: 2000 }, (_, at) => ({ const: at })) } } } };
  const unique = { properties: { a: { uniqueItems: true } } };
  const all = { properties: { a: { allOf: Array.from({ length: 1000 }, (_, at) => ({ minLength: 3_000_000 + at })) } } };
  const backtracking = { properties: { a: { pattern: '^(a+)+$' } } };
  const formats = { properties: { a: { allOf: Array.from({ length: 1000 }, () => ({ format: 'email' })) } } };
  const patterns = { additionalProperties: false, patternProperties: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`^(a+)+${at}$`, {}])) };
  const objects = Array.from({ length: 20_000 }, (_, at) => ({ at, x: { y: [at] } }));
  const hostile: [object, unknown][] = [
    [alternatives, deep],
    [wide, { a: Array.from({ length: 100_000 }, () => -1) }],
    [unique, { a: objects }],
    [all, { a: '\u{1F600}'.repeat(2_000_000) }],
    [backtracking, { a: `${'a'.repeat(50_000)}!` }],
    [backtracking, { a: `${'a'.repeat(4_000_000)}!` }],
    [formats, { a: `${'a.'.repeat(2_000_000)}@` }],
    [patterns, Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`${'a'.repeat(500)}${at}`, 1]))],
  ];
  for (const [hostileSchema, args] of hostile) {
    expect(problemOf(hostileSchema)).toBeUndefined();
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      check(hostileSchema, args);
      return performance.now() - start;
    });
    expect(Math.min(...times), JSON.stringify(hostileSchema).slice(0, 100)).toBeLessThan(50);
  }
  expect(fits(backtracking, { a: 'a'.repeat(50_000) })).toBe(true);
  expect(fits(backtracking, { a: `${'a'.repeat(50_000)}!` })).toBe(false);
});

test('never throws, whatever the schema and the arguments [ARGS-4]', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.dictionary(fc.string(), fc.jsonValue()), (anySchema, args) => {
      const hostile = { properties: anySchema, allOf: [anySchema], items: anySchema, $defs: anySchema, type: anySchema, required: anySchema, pattern: anySchema } as JsonObject;
      problemOf(hostile);
      expect(['fit', 'unfit']).toContain(check(hostile, args).type);
    }),
    { numRuns: 100 },
  );
});

test('schemas kept ready are bounded, and one that was forgotten is read anew [ARGS-4]', () => {
  const few = createArgumentChecker({ maxReady: 3 });
  const schemas = Array.from({ length: 10 }, (_, at) => ({ required: [`a${at}`] }));
  for (const turn of [1, 2]) for (const [at, one] of schemas.entries()) expect([turn, few.check(one, { [`a${at}`]: 1 }).type, few.check(one, {}).type]).toEqual([turn, 'fit', 'unfit']);
});
