/** What is said of budgets in a configuration. */
import { expect, test } from 'vitest';
import { settingsOf, warningsOf, wordsOf } from '../config/support.ts';

const textWith = (members: object): string =>
  JSON.stringify({
    servers: { files: { command: 'npx' } },
    callers: [{ id: 'alice', key: '${env:A}', roles: ['developer'] }],
    budgets: [{ id: 'b', unit: 'calls', limit: 10, period: 'day', ...members }],
  });

test.each<[object, string]>([
  [{ per: ['callr'] }, 'Did you mean "caller"?'],
  [{ per: ['args.to'] }, 'expected one of caller, tenant, role, server, tool, profile'],
  [{ per: ['caller', 'caller'] }, 'names "caller" twice'],
  [{ reserve: 1 }, 'a call holds 1'],
  [{ unit: 'bytes', limit: 100 }, 'Say with "reserve" what a call holds.'],
  [{ unit: 'bytes', reserve: 11 }, 'is more than the limit of 10'],
  [{ limit: 1.5 }, 'expected a whole number'],
  [{ unit: 'usd', limit: 1e-7 }, 'counted in millionths'],
  [{ unit: 'usd', limit: 1e12 }, 'expected at most 9000000000 usd'],
  [{ profiles: ['codng'] }, 'names a profile that is not configured'],
  [{ period: 'week' }, 'expected one of min, day, month'],
  [{ id: 'a b' }, "a budget's id has"],
])('a budget with %j is refused: %s', (members, words) => {
  expect(wordsOf(textWith(members))).toContain(words);
});

test.each<[object, string]>([
  [{ callers: ['alcie'] }, 'no caller has the id "alcie"'],
  [{ roles: ['developr'] }, 'Did you mean "developer"?'],
  [{ tools: ['fils/*'] }, 'Did you mean "files/*"?'],
  [{ unit: 'usd' }, 'may pass the limit together'],
])('a budget with %j is warned of: %s', (members, words) => {
  expect(warningsOf(textWith(members))).toContain(words);
});

test('a budget is read as it is written', () => {
  const members = { id: 'm', unit: 'usd', limit: 2.5, reserve: 0.1, period: 'month', per: ['tenant'] };
  expect(settingsOf(textWith(members)).budgets).toEqual([members]);
});
