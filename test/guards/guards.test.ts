/** Guards by themselves: what they find, what they leave alone, and what they do with what they cannot look through. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Verdict } from '../../core/guard.ts';
import { parseLossless, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { GuardSettings } from '../../core/settings.ts';
import { createGuards } from '../../policies/index.ts';
import { requestOf } from '../policies/support.ts';

const letters = (count: number) => 'aB3dE5gH1jKl7mN9'.repeat(Math.ceil(count / 16)).slice(0, count);
const PASS = { secrets: 'pass', personal: 'pass', injection: 'pass' } as const;
const guardsOf = (words: Partial<GuardSettings>) => createGuards([{ id: 'g', ...PASS, ...words }]);
const sizeOf = (result: object) => Buffer.byteLength(JSON.stringify(result));
const judge = async (words: Partial<GuardSettings>, result: JsonObject): Promise<Verdict> => guardsOf(words).judge(requestOf(), result, sizeOf(result));
const textsOf = async (words: Partial<GuardSettings>, text: string): Promise<string> => {
  const verdict = await judge(words, { content: [{ type: 'text', text }] });
  if (verdict.type === 'block') return verdict.message;
  return verdict.type === 'pass' ? text : ((verdict.result['content'] as JsonObject[])[0]?.['text'] as string);
};

/** Put together here, so that no scanner takes this file for a leak. */
const SECRETS: Record<string, string> = {
  AWS: `AKIA${'A2'.repeat(8)}`,
  GitHub: `ghp_${letters(36)}`,
  Groq: `gsk_${letters(52)}`,
  Linear: `lin_api_${letters(40)}`,
  Notion: `ntn_${'1'.repeat(11)}${letters(35)}`,
  Grafana: `glsa_${letters(32)}_${'a1'.repeat(4)}`,
  Vault: `hvs.${letters(95)}`,
  Databricks: `dapi${'a1'.repeat(16)}`,
  Docker: `dckr_pat_${letters(27)}`,
  Figma: `figd_${letters(40)}`,
  Tailscale: `tskey-auth-${letters(12)}-${letters(32)}`,
  Shopify: `shpat_${'a1'.repeat(16)}`,
  SendGrid: `SG.${letters(22)}.${letters(43)}`,
  Vercel: `vcp_${letters(30)}`,
  database: `postgres://app:${letters(12)}@db.internal/main`,
  PEM: `-----BEGIN RSA PRIVATE KEY-----\n${`${letters(64)}\n`.repeat(40)}-----END RSA PRIVATE KEY-----`,
};

test.each(Object.entries(SECRETS))('a credential of %s is taken out of texts, names of members and errors [GUARD-1]', async (_name, secret) => {
  const body = secret.slice(-24, -4);
  for (const text of [secret, `use ${secret} now`, `"${secret}"`, `a\nb: ${secret}\n`, `secretlint-disable\n${secret}`]) {
    expect(await textsOf({ secrets: 'redact' }, text)).not.toContain(body);
    expect(JSON.stringify(await judge({ secrets: 'redact' }, { message: text, data: { [text]: [text] } }))).not.toContain(body);
    expect((await judge({ secrets: 'block' }, { content: [{ type: 'text', text }] })).type).toBe('block');
  }
});

test('personal data with a shape is taken out, and what only resembles it stays [GUARD-1]', async () => {
  const personal = [
    'alice@example.com', 'jürgen.müller@beispiel.de', '+49 30 1234567', '+1 (415) 555-0100', '(415) 555-0100', '415-555-0100', '4111 1111 1111 1111', '5500-0000-0000-0004', '378282246310005',
    'DE89 3704 0044 0532 0130 00', 'GB82WEST12345698765432', 'FR1420041010050500013M02606', '12345678Z', 'X1234567L', 'RSSMRA85T10A562S', '1 84 12 76 451 089 46', '529.982.247-25', '131052-308T',
  ];
  for (const text of personal) {
    expect(await textsOf({ personal: 'redact' }, `It is ${text}, they say.`)).toBe('It is [redacted], they say.');
    expect((await judge({ personal: 'block' }, { content: [{ type: 'text', text }] })).type).toBe('block');
  }
  const harmless = [
    '4111 1111 1111 1112', 'DE89 3704 0044 0532 0130 02', '12345678A', '529.982.247-26', '2026-07-28T10:00:00.123456Z', '192.168.100.200', '1234567890', '550e8400-e29b-41d4-a716-446655440000', '@someone', 'a @ b',
    '3.14159265358979', '20260728', 'v1.2.3-4567', '12345678901234567890', 'git@', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '0x1234567890abcdef',
  ];
  for (const text of harmless) expect(await textsOf({ personal: 'redact', secrets: 'redact' }, text)).toBe(text);
});

test('hidden characters go, and those that scripts and emoji need stay [GUARD-2]', async () => {
  const tags = [...'obey'].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('');
  for (const hidden of [tags, '\u202Edesrever\u202C', 'i\u200Bg\u200Bn\u200Bo\u200Br\u200Be', 'a\uFE01\uFE02\uFE03\uFE04', 'x\u0008y', '\u001B[2J']) {
    const clean = await textsOf({ injection: 'mark' }, `Before ${hidden} after`);
    // oxlint-disable-next-line no-control-regex -- what must be gone
    expect(clean).not.toMatch(/[\u{E0000}-\u{E007F}\u202A-\u202E\u200B\u0008\u001B]|[\uFE00-\uFE0F]{2}/u);
    expect(clean).toContain('Before ');
  }
  for (const needed of ['👩\u200D💻 and ❤\uFE0F', 'می\u200Cخواهم', 'שלום \u200Fworld', '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}', 'क\u094D\u200Dष', 'co\u00ADoperate']) expect(await textsOf({ injection: 'mark' }, needed)).toBe(needed);
});

test('binary content is left alone, however it looks [GUARD-1]', async () => {
  const data = `${'A'.repeat(300)}/${SECRETS['AWS'] as string}/${'B'.repeat(303)}`;
  const result = { content: [{ type: 'image', mimeType: 'image/png', data }, { type: 'resource', resource: { uri: 'x:y', blob: data } }] };
  expect(await judge({ secrets: 'redact', personal: 'redact', injection: 'mark' }, result)).toEqual({ type: 'pass' });
  // What is no base64 is text, whatever the member is called.
  expect(JSON.stringify(await judge({ secrets: 'redact' }, { content: [{ type: 'image', data: `key ${SECRETS['GitHub'] as string}` }] }))).not.toContain('ghp_');
});

const canary = SECRETS['GitHub'] as string;
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<JsonValue>(canary, `x ${canary} y`, 1, null, true, 'plain', 'alice@example.com'),
    fc.string({ unit: 'binary' }).map((text) => `${text} ${canary} ${text}`),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', canary, 'text', 'data', 'blob')), tie('value'), { maxKeys: 4 }).map((object) => JSON.parse(JSON.stringify(object)) as JsonObject),
  ),
}));

test('never throws, never changes what came, keeps its shape, and lets no secret through [GUARD-3]', async () => {
  const guards = guardsOf({ secrets: 'redact', personal: 'redact', injection: 'mark', maxBytes: 300 });
  await fc.assert(
    fc.asyncProperty(value, value, async (structuredContent, part) => {
      const result = { content: [part, { type: 'text', text: 'end' }], structuredContent } as JsonObject;
      const before = JSON.stringify(result);
      const verdict = await guards.judge(requestOf(), result, before.length);
      expect(JSON.stringify(result)).toBe(before);
      expect(verdict.type !== 'pass' || !before.includes(canary)).toBe(true);
      if (verdict.type !== 'changed') return;
      for (const made of [verdict.result, verdict.rest?.result ?? {}]) {
        expect(JSON.stringify(made)).not.toContain(canary);
        expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
      }
      const whole = verdict.rest?.result ?? verdict.result;
      expect(shapeOf(whole['structuredContent'] as JsonValue)).toBe(shapeOf(structuredContent));
    }),
    { numRuns: 150 },
  );
});

/** Kinds of values, wherever they stand; names may be redacted, and then fall together. */
function shapeOf(part: JsonValue): string {
  if (Array.isArray(part)) return `[${part.map(shapeOf).join()}]`;
  if (typeof part === 'object' && part !== null) return 'object';
  return typeof part;
}

test('numbers that doubles cannot hold, and members like __proto__, pass as they came [GUARD-3]', async () => {
  const text = `{"content":[],"structuredContent":{"id":12345678901234567890,"__proto__":{"a":"${canary}"}}}`;
  const verdict = await judge({ secrets: 'redact' }, parseLossless(text) as JsonObject);
  expect(JSON.stringify(verdict.type === 'changed' && verdict.result)).toBe(text.replace(canary, '[redacted]'));
});

test('what cannot be looked through is held back [GUARD-3]', async () => {
  const failing = createGuards([{ id: 'g', ...PASS, secrets: 'redact' }], { lint: () => Promise.reject(new Error('gone')) });
  const text = { content: [{ type: 'text', text: `a ${SECRETS['Groq'] as string}` }] };
  expect(await failing.judge(requestOf(), text, 100)).toMatchObject({ type: 'block', guard: 'g', found: { failed: 1 } });
  const throwing = createGuards([{ id: 'g', ...PASS, secrets: 'redact' }], { lint: () => Promise.resolve(() => Promise.reject(new Error('no'))) });
  expect((await throwing.judge(requestOf(), text, 100)).type).toBe('block');
  let deep: JsonValue = 'x';
  for (let at = 0; at < 2000; at++) deep = [deep];
  expect((await judge({ secrets: 'redact' }, { deep })).type).toBe('block');
});

test('a secret is found wherever it stands in a long text, and other work gets its turn meanwhile [GUARD-3]', async () => {
  const guards = guardsOf({ secrets: 'redact', personal: 'redact', injection: 'mark' });
  const line = 'The quick brown fox jumps over the lazy dog; {"a": [1, 2, 3]}';
  for (const filler of [`${line}\n`, line.replaceAll(' ', ','), 'aGVsbG8gd29ybGQ']) {
    const base = filler.repeat(Math.ceil(120_000 / filler.length));
    for (const secret of [canary, SECRETS['Groq'] as string, SECRETS['PEM'] as string, 'alice@example.com']) {
      for (let at = 31_000; at < 34_500; at += 389) {
        const text = `${base.slice(0, at)} ${secret} ${base.slice(at)}`;
        const verdict = await guards.judge(requestOf(), { content: [{ type: 'text', text }] }, text.length);
        expect(verdict.type).toBe('changed');
        expect(JSON.stringify(verdict), `${at} ${filler.slice(0, 20)}`).not.toContain(secret.slice(-40, -30) || secret);
      }
    }
  }
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const large = { content: [{ type: 'text', text: `${line}\n`.repeat(30_000) }], structuredContent: { rows: Array.from({ length: 20_000 }, (_, at) => ({ at, line })) } };
  delay.enable();
  expect(await guards.judge(requestOf(), large, 2_000_000)).toEqual({ type: 'pass' });
  delay.disable();
  expect(delay.count).toBeGreaterThan(20);
  expect(delay.percentile(90) / 1e6).toBeLessThan(50);
});
