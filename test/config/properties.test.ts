import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProblem, parseConfig } from '../../gateway/config/index.ts';
import { parseReferences } from '../../gateway/config/references.ts';

/** Scraps that make texts near to real configurations. */
const scrap = fc.constantFrom(
  'servers', 'mcpServers', 'listen', 'callers', 'rules', 'limits', 'profiles', 'a', 'b', 'command', 'url', 'env', 'headers', 'key', 'id', 'tools', 'when', 'rate',
  ': ', '\n', '\n  ', '\n    ', '- ', '{', '}', '[', ']', ', ', '"', "'", '&x ', '*x', '|\n', '>\n', '!t ', '---', '#', '\t', '? ', '600/min', 'http://u:p@x/', '${env:A}', '${', '__proto__', 'null', '1', '1e999', 'true', '\u0000', '\ud800', '\r',
);
const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.array(scrap, { maxLength: 40 }).map((parts) => parts.join('')));

function expectSound(text: string, file: string): void {
  const result = parseConfig(text, file, { checkExpression: () => undefined });
  const problems = result.ok ? result.warnings : [...result.problems, ...result.warnings];
  if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (const problem of problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1] ?? '').length + 1);
    expect(problem.message).not.toBe('');
    expect(formatProblem(problem)).not.toMatch(/[\u0000-\u001f]|undefined|\[object/); // oxlint-disable-line no-control-regex
  }
}

test('any text is settings or problems with a place in it, never an exception [CONF-1]', () => {
  fc.assert(fc.property(hostile, fc.constantFrom('a.yaml', 'a.json', '.mcp.json'), expectSound), { numRuns: 3000 });
});

const keys = fc.constantFrom('servers', 'listen', 'callers', 'rules', 'limits', 'profiles', 'audit', 'log', 'data', 'a', 'command', 'url', 'args', 'env', 'headers', 'key', 'id', 'tools', 'when', 'rate', 'per', 'include', 'type', 'toString');
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 }, fc.constantFrom('', 'x', 'a/b', '*', '${env:A}', '600/min', 'http://x/', null, true, 0, -1, 1.5, 70_000), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(keys, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

test('any value in any place is settings or problems with a place, never an exception', () => {
  fc.assert(fc.property(fc.dictionary(keys, anyValue, { noNullPrototype: true }), (value) => expectSound(JSON.stringify(value, null, 1), 'a.json')), { numRuns: 2000 });
});

test('a value below env, headers or key is in no problem and no warning [CONF-4]', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9${}:&*!@#%^ -]{3,20}$/).map((text) => `q7Zs${text}`);
  fc.assert(fc.property(secret, fc.constantFrom('env', 'headers'), fc.constantFrom('command', 'url'), (text, member, reach) => {
    const values = [text, [text], { authorization: text }, { authorization: [text] }, { authorization: { x: text } }];
    for (const value of values) {
      const result = parseConfig(JSON.stringify({ servers: { a: { [reach]: 'http://x/', [member]: value } }, callers: [{ id: 'a', key: value }] }), 'a.json');
      expect(JSON.stringify(result.ok ? result.warnings : [...result.problems, ...result.warnings])).not.toContain('q7Zs');
    }
  }), { numRuns: 300 });
});

test('a text without "${" is one plain part, and escaping any text keeps it', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const escaped = text.replaceAll('${', '$${');
    // A "$" just before "${" would be taken with the escape.
    fc.pre(!text.includes('$${'));
    expect(parseReferences(escaped)).toEqual(text === '' ? [] : [{ type: 'text', text }]);
  }));
});
