import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import { createRedactor, redactText } from '../../policies/index.ts';

const { redact } = createRedactor({ extraNames: ['iban', 'x_internal_*'] });
const letters = (count: number) => 'aB3dE5gH'.repeat(Math.ceil(count / 8)).slice(0, count);

/** Put together here, so that no scanner takes this file for a leak. */
const SECRETS: Record<string, string> = {
  'our own key': `sbx_${letters(43)}`,
  'AWS access key': `AKIA${'A2'.repeat(8)}`,
  'GitHub token': `ghp_${letters(36)}`,
  'GitHub fine-grained token': `github_pat_${letters(60)}`,
  'GitLab token': `glpat-${letters(20)}`,
  'Slack token': `xoxb-${'1'.repeat(12)}-${letters(24)}`,
  'OpenAI key': `sk-proj-${letters(48)}`,
  'Anthropic key': `sk-ant-api03-${letters(80)}`,
  'Stripe key': `sk_live_${letters(24)}`,
  'Google key': `AIza${letters(35)}`,
  'npm token': `npm_${letters(36)}`,
  JWT: `eyJ${letters(20)}.eyJ${letters(60)}.${letters(43)}`,
  'PEM private key': `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n-----END RSA PRIVATE KEY-----`,
  'PEM private key cut short': `-----BEGIN PRIVATE KEY-----\n${letters(64)}`,
};

test.each(Object.entries(SECRETS))('a %s is replaced wherever it stands in a text', (_name, secret) => {
  const body = secret.slice(-20);
  for (const text of [secret, `use ${secret}`, `use "${secret}".`, `(${secret}) now`, `key: ${secret}`]) {
    expect(redactText(text)).not.toContain(body);
    expect(JSON.stringify(redact({ note: text }))).not.toContain(body);
    expect(JSON.stringify(redact({ [text]: 1 }))).not.toContain(body);
  }
});

test('credentials behind a telling word are replaced in a text', () => {
  const texts = [
    'Authorization: Basic hunter2-hunter2',
    '{"authorization":"Basic hunter2 hunter2","x":1}',
    "{'password': 'my hunter2 phrase'}",
    'DB_PASSWORD=hunter2 npm start',
    'GET /x?api_key=hunter2&y=1',
    'Cookie: sid=hunter2; other=hunter2',
    'postgres://app:hunter2@db/main',
    'authorization = bearer hunter2hunter2hunter2',
  ];
  for (const text of texts) expect(redactText(text)).not.toContain('hunter2');
  expect(redactText('GET /x?api_key=hunter2&y=1')).toContain('&y=1');
});

test('ordinary texts stay as they are', () => {
  const texts = [
    '/home/alice/notes.txt',
    'The tokens were counted, and the secret garden is open',
    'https://example.com:8080/path?page=2',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '550e8400-e29b-41d4-a716-446655440000',
    'task-force-on-something-very-long-indeed-and-more',
    'git checkout desk-sk-a',
  ];
  for (const text of texts) expect(redactText(text)).toBe(text);
});

test('values under secret-sounding names are hidden, whatever the spelling and the type', () => {
  const names = [
    'password', 'Passwd', 'API_KEY', 'api-key', 'apiKey', 'Authorization', 'cookie', 'Set-Cookie', 'private_key', 'privateKey', 'credentials',
    'client_secret', 'access_token', 'refreshToken', 'token', 'session', 'session_id', 'AWS_SECRET_ACCESS_KEY', 'IBAN', 'xInternalThing',
  ];
  for (const name of names) {
    for (const value of ['hunter2', 4711, ['hunter2'], { a: 'hunter2' }]) {
      expect(redact({ outer: [{ [name]: value }] }), name).toEqual({ outer: [{ [name]: '[redacted]' }] });
    }
  }
});

test('names that only resemble secrets keep their values', () => {
  const harmless = { maxTokens: 5, tokens: 3, nextPageToken: 'abc', keyword: 'x', author: 'y', sessions: 2, passage: 'z', tokenizer: 'bpe' };
  expect(redact(harmless)).toBe(harmless);
});

test('a value beside its secret name is hidden', () => {
  expect(redact({ env: [{ name: 'DB_PASSWORD', value: 'hunter2' }, { key: 'HOME', value: '/root' }] })).toEqual({
    env: [{ name: 'DB_PASSWORD', value: '[redacted]' }, { key: 'HOME', value: '/root' }],
  });
});

test('what needs no change is returned itself, and nothing is ever changed in place', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (generated) => {
      const value = generated as JsonValue;
      const before = JSON.stringify(value);
      const clean = redact(value);
      expect(JSON.stringify(value)).toBe(before);
      expect(clean === value).toBe(JSON.stringify(clean) === before);
      expect(redact(clean)).toEqual(clean);
    }),
    { numRuns: 500 },
  );
});

test('a secret never survives, however deep and beside whatever it stands [LEDGER-6]', () => {
  const canary = `ghp_${letters(36)}`;
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constant(canary),
      fc.string().map((text) => `${text} ${canary} ${text}`),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', canary)), tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(fc.property(value, (generated) => {
    expect(JSON.stringify(redact(generated as JsonValue))).not.toContain(canary);
  }));
});

test('a member called __proto__ stays a member', () => {
  const clean = redact(JSON.parse('{"__proto__":{"password":"hunter2"},"a":1}')) as JsonObject;
  expect(JSON.stringify(clean)).toBe('{"__proto__":{"password":"[redacted]"},"a":1}');
  expect(Object.getPrototypeOf(clean)).toBe(Object.prototype);
});

test('what is nested too deep is cut, without a crash', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}"hunter2"${']'.repeat(100_000)}`);
  const text = JSON.stringify(redact(deep));
  expect(text).toContain('[too deep]');
  expect(text.length).toBeLessThan(300);
});

test('long texts are cut and say how long they were, and no secret is left at the cut', () => {
  expect(redactText('x'.repeat(5000))).toBe(`${'x'.repeat(4096)}…(5000 bytes)`);
  const secret = `ghp_${letters(36)}`;
  for (let before = 4040; before < 5200; before += 1) expect(redactText(`${'.'.repeat(before)}${secret}${'.'.repeat(2000)}`)).not.toContain('ghp_aB3');
  for (const shrinks of [500, 1000, 3000]) {
    const text = `sbx_${letters(shrinks)} ${'.'.repeat(5120 - shrinks - 30)}${secret}${'.'.repeat(2000)}`;
    expect(redactText(text)).not.toContain('aB3dE5');
  }
});

test('the result is small, whatever came', () => {
  const hostile: JsonValue[] = [
    { a: 'x'.repeat(1e6) },
    Array.from({ length: 50_000 }, () => 'word'),
    Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`${'k'.repeat(300)}${at}`, at])),
    { a: '\u0000'.repeat(1e6), b: Array.from({ length: 1000 }, () => '\u0001"\\'.repeat(50)) },
    Array.from({ length: 1000 }, () => '\u{1F600}'.repeat(40)),
    parseLossless(`{"n":${'9'.repeat(100_000)}}`),
  ];
  for (const value of hostile) expect(Buffer.byteLength(JSON.stringify(redact(value)))).toBeLessThan(17 * 1024);
  expect(JSON.stringify(redact(hostile[1] as JsonValue))).toMatch(/more items\)"\]$/);
});

test('numbers that doubles cannot hold stay as they came', () => {
  const value = parseLossless('{"id":12345678901234567890,"e":1e400}');
  expect(redact(value)).toBe(value);
});

test('50,000 hostile characters take milliseconds', () => {
  const pieces = [
    'eyJ', 'eyJa.', 'sk-', 'gh', 'ghp_', 'sbx_', 'xox', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', '-----END ', '://', '://a:', 'a@', 'bearer ',
    'password', 'password=', 'password  "', 'cookie:"', "token'=", '"', "'", '=', ':', ' ', '-', '.', 'A', 'AKIA', '\n', 'key', '\u{1F600}',
  ];
  const property = fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }), (mix) => {
    const piece = mix.join('');
    const text = piece.repeat(Math.ceil(50_000 / piece.length));
    const took = Math.min(...[1, 2, 3].map(() => {
      const start = performance.now();
      redactText(text, 60_000);
      return performance.now() - start;
    }));
    // Anything worse than linear takes seconds for some of these; linear is 1 to 3 ms.
    expect(took).toBeLessThan(50);
  });
  fc.assert(property, { numRuns: 150 });
});
