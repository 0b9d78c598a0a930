import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { RuleSettings } from '../../core/settings.ts';
import { checkRules, compileRecordedRules, compileRules, createRedactor, recordedArguments, type RecordedDecision } from '../../policies/index.ts';
import { requestOf } from './support.ts';

const NOW = Date.UTC(2026, 6, 28);
const redactor = createRedactor({ extraNames: ['hush'], maxBytes: 400 });

/** As the ledger has it: redacted, written and read again. */
const recordedAs = (args: JsonObject): JsonObject => parseLossless(JSON.stringify(redactor.redact(args))) as JsonObject;

function replayed(rules: RuleSettings[], args: JsonObject): RecordedDecision {
  const bytes = Buffer.byteLength(canonicalJson(args));
  return compileRecordedRules(rules).decide(requestOf(), recordedArguments(recordedAs(args), bytes), NOW);
}

const conditions = [
  'args.path.startsWith("/etc")', 'has(args.path) && args.path.startsWith("/etc")', 'has(args.token)', 'args.token == "x"', '!has(args.token) || args.token.size() > 3',
  'args.token.startsWith("sk") || args.path == "/tmp"', 'args.path == "/tmp" && args.token == "x"', 'has(args.path) ? args.path == "/tmp" : args.token == "x"',
  'size(args) > 2', '"hush" in args', 'args.hush == args.token', 'args.to.exists(t, t == "a@b")', 'args.to.all(t, t.endsWith("b"))', 'args.to[0] == "a@b"', 'size(args.to) > 2',
  'args == {"path": "/tmp"}', 'args.deep.token == "x"', 'has(args.deep.token)', 'args.deep == args.to', 'args.exists(k, k == "extra")', 'args.exists(k, args[k] == "x")',
  'args.deep.name == "y"', 'args.path.contains("token=")', 'args.path.size() > 100', 'args.to.all(x, x in args.others)', 'args.path.contains(args.to[0])', 'args.extra == 1', 'true', 'args.?token.orValue("none") == "none"',
].filter((when) => checkRules([{ id: 'it', effect: 'allow', when }]).length === 0);

const word = fc.oneof(
  fc.constantFrom<JsonValue>('/tmp', '/etc/passwd', 'x', 'a@b', 'sk-aaaaaaaaaaaaaaaaaaaaaaaa', 'token=abcdef password=x', '[redacted]', '[too deep]', '…(9 bytes)', '', 'long '.repeat(60), 1, true, null),
  fc.array(fc.constantFrom<JsonValue>('a@b', 'x', 'secret=12345678', 'filler filler filler filler'), { maxLength: 30 }),
  fc.dictionary(fc.constantFrom('token', 'name', 'value', 'extra', '…'), fc.constantFrom<JsonValue>('x', 'y', 'DB_PASSWORD'), { maxKeys: 3 }),
);
const argsArb = fc
  .dictionary(fc.constantFrom('path', 'token', 'hush', 'to', 'deep', 'others', 'extra', 'constructor', '…', 'password=hunter22222'), word, { maxKeys: 6 })
  .map((args) => ({ ...args }) as JsonObject);

const rulesArb = fc
  .array(fc.record({ effect: fc.constantFrom('allow', 'ask', 'deny' as const), when: fc.option(fc.constantFrom(...conditions), { nil: undefined }) }), { minLength: 1, maxLength: 5 })
  .map((rules) => rules.map(({ effect, when }, at): RuleSettings => ({ id: `r${at}`, effect, ...(when === undefined ? {} : { when }) })));

test('what is said of a recorded call is what the rules say of the call itself, or that it cannot be said', () => {
  const seen = { decided: 0, 'effect-only': 0, undecidable: 0 };
  fc.assert(
    fc.property(rulesArb, argsArb, (rules, args) => {
      const truth = compileRules(rules, { now: () => NOW }).decide(requestOf({ args }));
      const said = replayed(rules, args);
      seen[said.type] += 1;
      if (said.type === 'undecidable') return;
      expect(said.effect).toBe(truth.effect);
      if (said.type === 'decided') expect(said.rule).toBe(truth.rule);
      else expect(said.rules).toContain(truth.rule);
    }),
    { numRuns: 2500 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
});

test('arguments that were recorded whole are always decided', () => {
  const plain = fc.dictionary(fc.constantFrom('path', 'to', 'deep'), fc.constantFrom<JsonValue>('/tmp', '/etc/passwd', ['a@b'], { name: 'y' }, 1));
  fc.assert(fc.property(rulesArb, plain, (rules, args) => {
    expect(replayed(rules, args as JsonObject).type).toBe('decided');
  }), { numRuns: 500 });
});

const denied = (when: string): RuleSettings[] => [{ id: 'no', effect: 'deny', when }, { id: 'base', effect: 'allow' }];

test('what redaction took out cannot be decided by, and what it left can', () => {
  const args = { token: 'hidden', path: '/etc/passwd' };
  expect(replayed(denied('args.token == "x"'), args)).toEqual({ type: 'undecidable', rules: ['no'] });
  expect(replayed(denied('args.path.startsWith("/etc")'), args)).toEqual({ type: 'decided', effect: 'deny', rule: 'no' });
  expect(replayed(denied('args.path.startsWith("/tmp")'), args)).toEqual({ type: 'decided', effect: 'allow', rule: 'base' });
  expect(replayed(denied('args.token == "x" || true'), args).type).toBe('undecidable');
});

test('a definite denial is decided, whatever an unknown argument would have said', () => {
  const args = { token: 'hidden', path: '/etc' };
  const rules: RuleSettings[] = [{ id: 'etc', effect: 'deny', when: 'args.path == "/etc"' }, { id: 'later', effect: 'deny', when: 'args.token == "x"' }];
  expect(replayed(rules, args)).toEqual({ type: 'decided', effect: 'deny', rule: 'etc' });
  expect(replayed(rules.toReversed(), args)).toEqual({ type: 'effect-only', effect: 'deny', rules: ['later', 'etc'] });
});

test('a text that only looks redacted, cut or left out is not taken for what was sent', () => {
  for (const path of ['[redacted]', 'a [redacted] b', 'abc…(12 bytes)', '[number of 99 characters]', '[too deep]']) {
    expect(replayed(denied('args.path == "x"'), { path }).type, path).toBe('undecidable');
  }
  expect(replayed(denied('size(args.to) > 3'), { to: ['…(2 more items)'] }).type).toBe('undecidable');
  expect(replayed(denied('has(args.other)'), { '…': '2 more members' }).type).toBe('undecidable');
});

const decideWithout = (when: string, bytes: number) => compileRecordedRules(denied(when)).decide(requestOf(), recordedArguments(undefined, bytes), NOW).type;

test('without recorded arguments a condition over them is undecidable, and no other is', () => {
  expect(decideWithout('has(args.path)', 100)).toBe('undecidable');
  expect(decideWithout('caller.id == "alice"', 100)).toBe('decided');
});
