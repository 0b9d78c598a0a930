import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Effect } from '../../core/decision.ts';
import { parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { RuleSettings } from '../../core/settings.ts';
import { checkRules, compileRules } from '../../policies/index.ts';
import { requestOf, type RequestParts } from './support.ts';

const allowAll: RuleSettings = { id: 'allow-all', effect: 'allow' };
const readOnly: RuleSettings = { id: 'read-only-for-all', effect: 'allow', tools: ['files/read_*', 'files/list_*'] };
const noEtc: RuleSettings = { id: 'no-etc', effect: 'deny', tools: ['files/*'], when: "has(args.path) && args.path.startsWith('/etc')" };

const effectOf = (rules: RuleSettings[], request: RequestParts = {}): Effect => compileRules(rules).decide(requestOf(request)).effect;

/** What one condition yields for some arguments: true, false or an error. */
function evaluate(when: string, args: JsonObject, request: RequestParts = {}): boolean | 'error' {
  const rules: RuleSettings[] = [{ id: 'it', effect: 'allow', when }];
  expect(checkRules(rules)).toEqual([]);
  const { decision, trace } = compileRules(rules, { now: () => Date.UTC(2026, 6, 28) }).explain(requestOf({ ...request, args }));
  expect(decision.effect === 'allow').toBe(trace[0]?.matched);
  return trace[0]?.why.includes('failed') ? 'error' : (trace[0]?.matched ?? 'error');
}

const mayAllow = (rules: RuleSettings[]) => compileRules(rules).mayAllow(requestOf());

const argsOf = (text: string) => parseLossless(text) as JsonObject;

/** Nested lists and maps, one for each bit. */
const shape = (bits: number): JsonValue => {
  let value: JsonValue = 'x';
  for (let level = 0; level < 24; level += 1) value = (bits >> level) & 1 ? [value] : { m: value };
  return value;
};

test('no rules at all allow everything, and the decision says so', () => {
  expect(compileRules([]).decide(requestOf())).toMatchObject({ effect: 'allow', reason: expect.stringContaining('no rules') });
});

test('with any rule, what no rule allows is denied [PATH-2]', () => {
  expect(effectOf([readOnly], { tool: 'files/write_file' })).toBe('deny');
  expect(compileRules([noEtc]).decide(requestOf())).toMatchObject({ effect: 'deny', reason: 'denied: no rule allows it' });
});

test('the two example rules allow reading and deny /etc', () => {
  const rules = compileRules([readOnly, noEtc]);
  expect(rules.decide(requestOf({ args: { path: '/tmp/a' } }))).toMatchObject({ effect: 'allow', rule: 'read-only-for-all' });
  expect(rules.decide(requestOf({ args: {} }))).toMatchObject({ effect: 'allow' });
  const denied = rules.decide(requestOf({ args: { path: '/etc/secret-file' } }));
  expect(denied).toMatchObject({ effect: 'deny', rule: 'no-etc', reason: 'denied by rule "no-etc"' });
  expect(rules.decide(requestOf({ tool: 'files/move_file', args: { path: '/tmp/a' } })).effect).toBe('deny');
});

test('deny wins over ask, and ask over allow, whatever the order [PATH-2]', () => {
  const all: RuleSettings[] = ['deny', 'ask', 'allow'].map((effect) => ({ id: effect, effect: effect as Effect }));
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (rules) => {
      const expected = (['deny', 'ask', 'allow'] as const).find((effect) => rules.some((rule) => rule.effect === effect));
      expect(effectOf(rules)).toBe(expected);
    }),
  );
});

test('an error in a condition denies, whatever the effect and the order, and names the rule [PATH-2]', () => {
  for (const effect of ['deny', 'ask', 'allow'] as const) {
    const failing: RuleSettings = { id: 'failing', effect, when: 'args.missing.startsWith("x")' };
    for (const rules of [[failing, allowAll], [allowAll, failing]]) {
      expect(compileRules(rules).decide(requestOf())).toMatchObject({ effect: 'deny', rule: 'failing', reason: expect.stringContaining('"failing"') });
    }
  }
  const asked: RuleSettings[] = [{ id: 'ask', effect: 'ask' }, { id: 'failing', effect: 'allow', when: 'args.x > 1' }];
  expect(effectOf(asked)).toBe('ask');
});

test('a condition that does not compile denies, should it get as far as that', () => {
  for (const effect of ['deny', 'ask', 'allow'] as const) {
    expect(effectOf([{ id: 'broken', effect, when: 'nonsense(' }, allowAll])).toBe('deny');
  }
});

test('a condition that yields no boolean is an error', () => {
  expect(evaluate('args.flag', { flag: true })).toBe(true);
  for (const flag of ['true', 1, null, {}, []] as JsonValue[]) expect(evaluate('args.flag', { flag })).toBe('error');
});

test('a reason never holds what came with the call', () => {
  const canary = 'canary4711';
  const conditions = ['args[args.k] == 1', 'bool(args.k)', 'int(args.k) > 1', 'timestamp(args.k) > call.now', 'args.k > 1', 'args.l[args.n]', 'args.m[args.k].x == 1'];
  for (const when of conditions) {
    const args = { k: canary, l: [], n: 4711, m: { [canary]: {} } };
    const { effect, reason } = compileRules([{ id: 'it', effect: 'allow', when }]).decide(requestOf({ args }));
    expect(effect, when).toBe('deny');
    expect(reason).not.toContain('4711');
  }
});

test('callers, roles and profiles narrow a rule, and a decision is never another caller’s', () => {
  const rules = compileRules([
    { id: 'alice', effect: 'allow', callers: ['alice'], tools: ['a/*'] },
    { id: 'devs', effect: 'allow', roles: ['developer', 'admin'], tools: ['b/*'] },
    { id: 'coding', effect: 'allow', profiles: ['coding'], tools: ['c/*'] },
  ]);
  const property = fc.property(
    fc.constantFrom('alice', 'bob'), fc.subarray(['developer', 'guest']), fc.constantFrom('a/x', 'b/x', 'c/x'), fc.constantFrom(undefined, 'coding', 'other'),
    (caller, roles, tool, profile) => {
      const allowed = { 'a/x': caller === 'alice', 'b/x': roles.includes('developer'), 'c/x': profile === 'coding' }[tool];
      const request = { caller, roles, tool, ...(profile === undefined ? {} : { profile }) };
      expect(rules.decide(requestOf(request)).effect).toBe(allowed ? 'allow' : 'deny');
      expect(rules.mayAllow(requestOf(request))).toBe(allowed);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('more tools and callers than are remembered are still decided rightly', () => {
  const rules = compileRules([{ id: 'even', effect: 'allow', tools: ['s/*0'] }]);
  for (let at = 0; at < 25_000; at += 1) expect(rules.decide(requestOf({ tool: `s/t${at}` })).effect).toBe(at % 10 === 0 ? 'allow' : 'deny');
});

test('mayAllow is false only where no arguments could be allowed', () => {
  expect(mayAllow([])).toBe(true);
  expect(mayAllow([{ ...allowAll, when: 'args.x == 1' }])).toBe(true);
  expect(mayAllow([{ id: 'ask', effect: 'ask' }])).toBe(true);
  expect(mayAllow([allowAll, noEtc])).toBe(true);
  expect(mayAllow([noEtc])).toBe(false);
  expect(mayAllow([allowAll, { id: 'none', effect: 'deny' }])).toBe(false);
  expect(mayAllow([{ ...allowAll, tools: ['other/*'] }])).toBe(false);
});

test('explain says of every rule why it did or did not decide', () => {
  const rules = compileRules([
    readOnly, noEtc, { id: 'bobs', effect: 'allow', callers: ['bob'] }, { id: 'admins', effect: 'allow', roles: ['admin'] },
    { id: 'coding', effect: 'allow', profiles: ['coding'] }, { id: 'mail', effect: 'ask', tools: ['mail/*'] }, { id: 'bad', effect: 'ask', when: 'args.a.b' },
  ]);
  const { decision, trace } = rules.explain(requestOf({ args: { path: '/tmp' } }));
  expect(decision).toMatchObject({ effect: 'deny', rule: 'bad' });
  expect(trace.map(({ rule, matched }) => [rule, matched])).toEqual([
    ['read-only-for-all', true], ['no-etc', false], ['bobs', false], ['admins', false], ['coding', false], ['mail', false], ['bad', false],
  ]);
  const why = (id: string) => trace.find(({ rule }) => rule === id)?.why;
  expect(why('no-etc')).toBe('its condition is false');
  expect(why('bobs')).toContain('alice');
  expect(why('mail')).toContain('files/read_file');
  expect(why('bad')).toContain('No such key: a');
});

test('the hash is the same for the same rules, and another for others', () => {
  expect(compileRules([readOnly]).hash).toBe(compileRules([{ ...readOnly }]).hash);
  expect(compileRules([readOnly]).hash).not.toBe(compileRules([noEtc]).hash);
  expect(compileRules([readOnly]).hash).toMatch(/^[0-9a-f]{64}$/);
});

test('conditions see the caller, the tool and the call', () => {
  const request = { caller: 'alice', tenant: 'acme', roles: ['dev'], tool: 'files/read', profile: 'coding' };
  const truths = [
    'caller.id == "alice" && caller.tenant == "acme" && "dev" in caller.roles && caller.proof == "key"',
    'tool.ref == "files/read" && tool.server == "files" && tool.name == "read"',
    'call.face == "mcp" && call.profile == "coding" && call.protocolVersion == "2026-07-28"',
    'call.now == timestamp("2026-07-28T00:00:00Z") && call.now.getHours() < 8',
    'caller.roles.exists(r, r.startsWith("de"))',
  ];
  for (const when of truths) expect(evaluate(when, {}, request), when).toBe(true);
  expect(evaluate('call.profile == ""', {})).toBe(true);
});

test('JSON numbers compare with integers and fractions alike', () => {
  expect(evaluate('args.n > 5', { n: 6 })).toBe(true);
  expect(evaluate('args.n > 5', { n: 5.5 })).toBe(true);
  expect(evaluate('args.n > 5', { n: 5 })).toBe(false);
  expect(evaluate('args.n == 5 && 5 == args.n && args.n in [1, 5] && args.n <= 5.0', { n: 5 })).toBe(true);
  expect(evaluate('args.n + 1.0 == 6.0', { n: 5 })).toBe(true);
  expect(evaluate('args.n + 1 == 6', { n: 5 })).toBe('error');
  expect(evaluate('int(args.n) + 1 == 6', { n: 5 })).toBe(true);
});

test('numbers that doubles cannot hold are evaluated, exactly where they are 64-bit integers', () => {
  expect(evaluate('args.n == 9007199254740993', argsOf('{"n":9007199254740993}'))).toBe(true);
  expect(evaluate('args.n == 9007199254740993', argsOf('{"n":9007199254740992.0}'))).toBe(false);
  expect(evaluate('args.n > 5', argsOf('{"n":99999999999999999999999}'))).toBe(true);
  expect(evaluate('args.n > 5', argsOf('{"n":1e400}'))).toBe(true);
  expect(evaluate('args.n == 1', argsOf('{"n":1.0}'))).toBe(true);
  expect(evaluate('args.n == 1000', argsOf('{"n":1e3}'))).toBe(true);
});

test('no inherited property is visible, in arguments or below', () => {
  const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'length', 'prototype', 'entries', 'get', 'size', 'has'];
  fc.assert(
    fc.property(fc.constantFrom(...inherited), fc.constantFrom(1, 5), (name, depth) => {
      let inner: JsonObject = { other: 1 };
      for (let level = 1; level < depth; level += 1) inner = { m: inner };
      const path = `args${'.m'.repeat(depth - 1)}`;
      expect(evaluate(`has(${path}.${name})`, inner)).toBe(false);
      expect(evaluate(`"${name}" in ${path}`, inner)).toBe(false);
      expect(evaluate(`${path}["${name}"] == 1`, inner)).toBe('error');
      expect(evaluate(`${path}.${name} == 1`, inner)).toBe('error');
    }),
    { numRuns: 100 },
  );
});

test('own members with such names are ordinary members, and hide nothing beside them', () => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    for (const value of ['1', '"x"', 'null', '{"name":"Map"}', '{}', '[]']) {
      const args = JSON.parse(`{"${name}":${value},"path":"/etc/passwd","deep":{"${name}":${value},"path":"/etc"}}`) as JsonObject;
      expect(evaluate(`has(args.${name})`, args)).toBe(true);
      expect(effectOf([allowAll, noEtc], { args })).toBe('deny');
      expect(effectOf([allowAll, noEtc], { args: { ...args, path: '/tmp' } })).toBe('allow');
      expect(evaluate('has(args.deep.path) && args.deep.path.startsWith("/etc")', args)).toBe(true);
    }
  }
});

test('deeply nested arguments are judged as shallow ones are', () => {
  const conditions = [
    'args.v == args.w', 'args.v == 1', '"a" in args.v', 'size(args.v) > 1', 'args.v.exists(x, x == "a")', 'has(args.v.a)', 'args.v.a == args.w.a',
    'args.v.all(x, x in ["a", "b"])', 'args.v == {"a": 1}', 'args.v == ["a"]', 'args.v[0] == "a"', 'args.v.map(x, x).size() == 1', 'args.v != args.w', 'args.v.a.b == 1',
  ];
  const rules = new Map(conditions.map((when) => [when, compileRules([{ id: 'it', effect: 'allow', when }])]));
  const member = fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.constantFrom<JsonValue>('a', 'b', 1, true, null), fc.constant({ b: 1 })));
  const value = fc.oneof(fc.constantFrom<JsonValue>('a', 1, null), fc.array(fc.constantFrom<JsonValue>('a', 'b', 1, null), { maxLength: 3 }), member);
  fc.assert(
    fc.property(fc.constantFrom(...conditions), value, value, (when, v, w) => {
      const said = (args: JsonObject) => rules.get(when)?.decide(requestOf({ args })).effect;
      expect(said({ v, w, z: [[[[[[1]]]]]] } as JsonObject)).toBe(said({ v, w } as JsonObject));
    }),
    { numRuns: 3000 },
  );
});

test('arguments of ever new shapes do not fill the memory', async () => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rules = compileRules([{ id: 'it', effect: 'allow', when: 'args.v == "x" || args.w == args.v' }]);
  for (let bits = 0; bits < 500; bits += 1) rules.decide(requestOf({ args: { v: shape(bits * 7919) } }));
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let bits = 500; bits < 10_000; bits += 1) rules.decide(requestOf({ args: { v: shape(bits * 7919), w: shape(bits * 104_729) } }));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
});

test('arguments too deep for anyone deny, and nothing throws', () => {
  const deep = JSON.parse(`{"path":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) as JsonObject;
  expect(effectOf([allowAll, noEtc], { args: deep })).toBe('deny');
  expect(compileRules([allowAll, noEtc]).explain(requestOf({ args: deep })).decision.effect).toBe('deny');
});
