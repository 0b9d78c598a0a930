import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { LimitSettings, RuleSettings } from '../../core/settings.ts';
import { checkRules, compileRules, createLimiter } from '../../policies/index.ts';
import { requestOf } from './support.ts';

const text = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml = '']) => parse(yaml) as { rules?: RuleSettings[]; limits?: LimitSettings[] });

test('every example of the page compiles', () => {
  expect(blocks.length).toBeGreaterThan(2);
  for (const { rules, limits } of blocks) {
    expect(rules ?? limits).toBeDefined();
    expect(checkRules(rules ?? [])).toEqual([]);
    // The configuration turns "3/hour" into numbers; what is counted apart is checked here.
    const counted = (limits ?? []).map(({ rate, ...limit }) => ({ ...limit, ...(rate === undefined ? {} : { rate: { count: 3, periodMs: 1000 } }) }));
    expect(createLimiter(counted).lease(requestOf(), 0).type).toBe('granted');
  }
});

test('the conditions of the page decide as it says', () => {
  const rules = compileRules(blocks[1]?.rules ?? [], { now: () => Date.parse('2026-07-28T10:00:00Z') });
  const effect = (tool: string, args = {}, roles: string[] = []) => rules.decide(requestOf({ tool, args, roles })).effect;
  expect(effect('files/read', { path: '/srv/a-b/c' })).toBe('allow');
  expect(effect('files/read', { path: '/srv/../etc' })).toBe('deny');
  expect(effect('files/read')).toBe('deny');
  expect(effect('mail/send', { to: ['a@example.com'] })).toBe('allow');
  expect(effect('mail/send', { to: ['a@example.com', 'b@elsewhere.com'] })).toBe('deny');
  expect(effect('mail/send', { to: 'a@example.com' })).toBe('deny');
  expect(effect('shop/order', { amount: 500.5 })).toBe('ask');
  expect(effect('shop/order', { amount: 501 }, ['buyer'])).toBe('allow');
  expect(effect('deploy/run')).toBe('allow');
});
