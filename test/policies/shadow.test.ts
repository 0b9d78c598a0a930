import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Decision } from '../../core/decision.ts';
import type { RuleSettings } from '../../core/settings.ts';
import { compileRules } from '../../policies/index.ts';
import { requestOf } from './support.ts';

const conditions = [undefined, 'args.n > 1', 'has(args.n)', '"x" in flow.seen', '"x" in tool.labels', 'args.missing == 1', 'nonsense('];

const ruleArb = (prefix: string, shadow: boolean) =>
  fc
    .record({
      effect: fc.constantFrom('allow', 'ask', 'deny' as const),
      tools: fc.constantFrom(undefined, ['a/*'], ['b/*', 'a/x']),
      callers: fc.constantFrom(undefined, ['alice'], ['bob']),
      when: fc.constantFrom(...conditions),
    })
    .map(({ effect, tools, callers, when }): Omit<RuleSettings, 'id'> => ({
      effect, ...(tools === undefined ? {} : { tools }), ...(callers === undefined ? {} : { callers }), ...(when === undefined ? {} : { when }), ...(shadow ? { mode: 'shadow' as const } : {}),
    }))
    .chain((rule) => fc.nat(999).map((at): RuleSettings => ({ id: `${prefix}${at}`, ...rule })));

const requestArb = fc
  .record({ tool: fc.constantFrom('a/x', 'a/y', 'b/x', 'c/x'), caller: fc.constantFrom('alice', 'bob'), args: fc.constantFrom({}, { n: 1 }, { n: 2 }), seen: fc.constantFrom(undefined, [], ['x']), labels: fc.constantFrom(undefined, ['x']) })
  .map(({ seen, labels, ...parts }) => {
    const request = requestOf(parts);
    return { ...request, route: { ...request.route, ...(labels === undefined ? {} : { labels }) }, ...(seen === undefined ? {} : { seen }) };
  });

const termsOf = (rule: Omit<RuleSettings, 'id'>) => compileRules([{ id: 'it', ...rule }]).decide(requestOf()).ask;

const heart = ({ effect, rule, ask }: Decision) => ({ effect, rule, ask });

test('rules in shadow never change what is decided, by which rule, or what is shown [POLICY-4]', () => {
  const mixed = fc.tuple(fc.array(ruleArb('r', false), { maxLength: 4 }), fc.array(ruleArb('s', true), { maxLength: 4 }), fc.boolean());
  fc.assert(
    fc.property(mixed, requestArb, ([rules, shadow, first], request) => {
      const plain = compileRules(rules);
      const both = compileRules(first ? [...shadow, ...rules] : [...rules, ...shadow]);
      expect(heart(both.decide(request))).toEqual(heart(plain.decide(request)));
      expect(both.mayAllow(request)).toBe(plain.mayAllow(request));
      expect(both.count).toBe(plain.count);
    }),
    { numRuns: 500 },
  );
});

test('a decision tells what rules in shadow would have decided: what they say in force, alone, and a failing one as deny', () => {
  fc.assert(
    fc.property(fc.array(ruleArb('s', true), { maxLength: 4 }), requestArb, (shadow, request) => {
      const told = compileRules([{ id: 'base', effect: 'allow' }, ...shadow]).decide(request).shadow;
      const alone = shadow.flatMap((rule) => {
        const decision = compileRules([{ ...rule, mode: 'enforce' }]).decide(request);
        return decision.rule === undefined ? [] : [{ rule: rule.id, effect: decision.effect }];
      });
      expect(told).toEqual(alone.length === 0 ? undefined : alone);
    }),
    { numRuns: 500 },
  );
});

test('rules in shadow only are no rules: everything is allowed, and what they would have done is told', () => {
  const rules = compileRules([{ id: 'draft', effect: 'deny', tools: ['files/*'], mode: 'shadow' }]);
  expect(rules.decide(requestOf())).toMatchObject({ effect: 'allow', reason: expect.stringContaining('no rules'), shadow: [{ rule: 'draft', effect: 'deny' }] });
  expect(rules.decide(requestOf({ tool: 'mail/send' })).shadow).toBeUndefined();
  expect(rules.mayAllow(requestOf())).toBe(true);
});

test('arguments too deep for anyone are told of a rule in shadow as a failure, and change nothing', () => {
  const deep = JSON.parse(`{"path":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
  const rules = compileRules([{ id: 'base', effect: 'allow' }, { id: 'draft', effect: 'allow', when: 'has(args.path)', mode: 'shadow' }]);
  expect(rules.decide(requestOf({ args: deep }))).toMatchObject({ effect: 'allow', rule: 'base', shadow: [{ rule: 'draft', effect: 'deny' }] });
});

test('explain names rules in shadow, and says that they are', () => {
  const rules = compileRules([{ id: 'base', effect: 'allow' }, { id: 'draft', effect: 'deny', mode: 'shadow', when: 'args.n > 1' }]);
  expect(rules.explain(requestOf({ args: { n: 2 } })).trace).toEqual([
    { rule: 'base', effect: 'allow', matched: true, why: 'it has no condition' },
    { rule: 'draft', effect: 'deny', matched: true, why: 'its condition is true', shadow: true },
  ]);
  expect(rules.explain(requestOf()).trace[1]?.why).toContain('would deny');
});

test('what an ask rule demands goes with its decision, with defaults, and with no other', () => {
  expect(termsOf({ effect: 'ask' })).toEqual({ approvers: ['self'], expiresInMs: 600_000, remember: 'once' });
  expect(termsOf({ effect: 'ask', approvers: ['lead'], expiresInMs: 5, remember: 'until', rememberForMs: 7 })).toEqual({ approvers: ['lead'], expiresInMs: 5, remember: 'until', rememberForMs: 7 });
  expect(termsOf({ effect: 'allow', approvers: ['lead'] })).toBeUndefined();
  expect(termsOf({ effect: 'ask', when: 'args.missing == 1' })).toBeUndefined();
});

test('conditions see the labels of the tool and those touched before', () => {
  const when = "'private' in flow.seen && 'external' in tool.labels && size(flow.seen) == 1";
  const rules = compileRules([{ id: 'leak', effect: 'deny', when }, { id: 'base', effect: 'allow' }]);
  const request = requestOf({ tool: 'mail/send' });
  const external = { ...request, route: { ...request.route, labels: ['external'] } };
  expect(rules.decide(request)).toMatchObject({ rule: 'base' });
  expect(rules.decide({ ...external, seen: [] })).toMatchObject({ rule: 'base' });
  expect(rules.decide({ ...external, seen: ['private'] })).toMatchObject({ rule: 'leak' });
  expect(rules.decide({ ...request, seen: ['private'] })).toMatchObject({ rule: 'base' });
});
