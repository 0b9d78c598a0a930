import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { checkExpression, checkRules, compileRules } from '../../policies/index.ts';
import { requestOf } from './support.ts';

const compile = (when: string) => compileRules([{ id: 'it', effect: 'allow', when }]);
const holds = (when: string, args: JsonObject) => {
  expect(checkExpression(when)).toBeUndefined();
  return compile(when).decide(requestOf({ args })).effect === 'allow';
};

test.each([
  ['arg.path == "x"', /unknown variable: arg \(column 1\).*did you mean "args"/i],
  ['true && callr.id == "x"', /callr \(column 9\).*did you mean "caller"/],
  ['caller.idd == "x"', /idd \(column 8\).*did you mean "id"/],
  ['tool.nam == "x"', /did you mean "name"/],
  ['args.path.startWith("/etc")', /startWith.*did you mean "startsWith"/],
  ['args.path.startsWith(', /column 22/],
  ['args.path =', /column/],
  ['"a" + args.b', /yields string/],
  ['1 + 1', /yields int; a condition must yield bool/],
  ['caller.roles', /yields list/],
  ['caller.id > 5', /no such overload/],
  ['', /./],
  ['args.a.matches("(unclosed")', /no RE2 pattern.*column 16/],
  [String.raw`args.a.matches("(a)\\1")`, /no RE2 pattern/],
  ['args.a.matches(args.b)', /literal.*column 1/],
  ['args.a.matches("a" + "b")', /literal/],
  ['args.a.all(x, args.b.exists(y, x == y))', /exists\(\) inside another macro.*column 15/],
  ['args.a.map(x, args.b.filter(y, y == x).map(z, z)).size() > 1', /inside another macro/],
  ['args.a.all(x, cel.bind(b, x, b.all(y, y == 1)))', /all\(\) inside another macro/],
  ['cel.bind(a, args.l + args.l, cel.bind(b, a + a, size(b) > 1))', /bind\(\) inside bind\(\)/],
  ['duration(args.d) > duration("1h")', /literal/],
  ['bytes(args.a).json().x == 1', /json\(\) is not available/],
  [`args.a == "${'x'.repeat(5000)}"`, /4096 are allowed/],
  ['('.repeat(2000), /./],
  [`${'!'.repeat(2000)}true`, /./],
  [`${'['.repeat(100)}1${']'.repeat(100)} == []`, /./],
])('%s is refused with what is wrong and where', (text, message) => {
  expect(checkExpression(text)).toMatch(message);
});

test('checkRules names the rule of each problem', () => {
  expect(checkRules([{ id: 'good', effect: 'allow', when: 'true' }, { id: 'plain', effect: 'deny' }, { id: 'bad', effect: 'allow', when: 'arg.x' }])).toEqual([
    { rule: 'bad', message: expect.stringContaining('did you mean "args"') },
  ]);
});

test('whatever is written as an expression is compiled or refused, never thrown', () => {
  const piece = fc.constantFrom('args', '.', 'a', '(', ')', '[', ']', '"', "'", '==', '&&', '||', '!', ' ', '1', ',', 'has', '.all(x, ', '.matches(', 'cel.bind(', '{', '}', ':', '?', '\\', '\u0000');
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.array(piece, { maxLength: 15 }).map((pieces) => pieces.join('')));
  fc.assert(
    fc.property(text, (when) => {
      const problem = checkExpression(when);
      if (problem !== undefined) expect(problem).not.toBe('');
      expect(['allow', 'deny']).toContain(compile(when).decide(requestOf({ args: { a: 'x' } })).effect);
    }),
    { numRuns: 1000 },
  );
});

test('matches finds an RE2 pattern anywhere in the text, as a method, a function and inside a macro', () => {
  expect(holds('args.p.matches("^/(tmp|var)/")', { p: '/tmp/x' })).toBe(true);
  expect(holds('args.p.matches("^/(tmp|var)/")', { p: '/etc/tmp/x' })).toBe(false);
  expect(holds('args.p.matches("b+")', { p: 'abbbc' })).toBe(true);
  expect(holds('matches(args.p, r"^\\d+$")', { p: '123' })).toBe(true);
  expect(holds('args.l.all(x, x.matches("^[a-z]+$"))', { l: ['a', 'bc'] })).toBe(true);
  expect(holds('args.l.all(x, x.matches("^[a-z]+$"))', { l: ['a', 'B'] })).toBe(false);
  expect(holds('has(args.p) && (args.p.matches("^a") ? args.p.matches("b$") : false)', { p: 'ab' })).toBe(true);
});

test('a pattern that makes backtracking engines hang is answered at once [PATH-10]', () => {
  for (const pattern of ['^(a+)+$', '(a|a)*$', '(x*)*y', '(.*a){20}$', '(a?){50}a{50}$']) {
    const rules = compile(`args.p.matches("${pattern}")`);
    const start = performance.now();
    rules.decide(requestOf({ args: { p: `${'a'.repeat(60_000)}!` } }));
    expect(performance.now() - start, pattern).toBeLessThan(1000);
  }
});

test('more text than matches may read in one condition denies', () => {
  expect(holds('args.p.matches("^a")', { p: 'a'.repeat(60_000) })).toBe(true);
  expect(holds('args.p.matches("^a")', { p: 'a'.repeat(70_000) })).toBe(false);
  expect(holds('args.p.matches("^(a?){50}a{50}")', { p: 'a'.repeat(1000) })).toBe(true);
  expect(holds('args.p.matches("^(a?){50}a{50}")', { p: 'a'.repeat(30_000) })).toBe(false);
  expect(holds('args.l.all(x, x.matches("^a"))', { l: Array.from({ length: 100 }, () => 'a'.repeat(1000)) })).toBe(false);
});

test('arguments compared with arguments, item by item, are bounded; with constants and the caller they are not', () => {
  const many = Array.from({ length: 200_000 }, (_, at) => at);
  const start = performance.now();
  expect(holds('args.a.all(x, x in args.b)', { a: many, b: many })).toBe(false);
  expect(holds('cel.bind(b, args.b, args.a.all(x, x in b))', { a: many, b: many })).toBe(false);
  expect(holds('args.a.all(x, x >= 0 && !(string(x) in caller.roles))', { a: many })).toBe(true);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(holds('args.a.all(x, x in args.b)', { a: [1, 2], b: [1, 2, 3] })).toBe(true);
});

test('the has(...) && ... idiom works for members that are absent, null or of another type', () => {
  const when = 'has(args.to) && args.to.endsWith("@example.com")';
  expect(holds(when, { to: 'a@example.com' })).toBe(true);
  for (const args of [{}, { to: null }, { to: 5 }, { to: ['x@example.com'] }, { to: { a: 1 } }] as JsonObject[]) expect(holds(when, args)).toBe(false);
});

test('an argument searched for another is bounded; searched for a constant it is not', () => {
  const hay = 'ab'.repeat(1_000_000);
  const needle = `${'ab'.repeat(400_000)}a${'ab'.repeat(200_000)}`;
  const start = performance.now();
  for (const when of [
    'args.a.contains(args.b)', 'args.a.indexOf(args.b) > 1', 'args.a.split(args.b).size() == 1', '[args.b].exists(x, args.a.contains(x))',
    'cel.bind(b, args.b, args.a.lastIndexOf(b) == 0)',
  ]) expect(holds(when, { a: hay, b: needle }), when).toBe(false);
  expect(holds('!args.a.contains("xyz") && ["xyz", "zyx"].all(x, !args.a.contains(x))', { a: hay })).toBe(true);
  expect(holds('args.a.contains(args.b)', { a: hay.slice(0, 30_000), b: needle.slice(0, 20_000) })).toBe(true);
  expect(performance.now() - start).toBeLessThan(1000);
});
