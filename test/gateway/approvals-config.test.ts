/** What a configuration may say of approvals: members that go together, approvers that exist, where announcements go. */
import { expect, test } from 'vitest';
import { parseConfig } from '../../gateway/config/index.ts';

function said(config: object): string[] {
  const loaded = parseConfig(JSON.stringify(config), 'signalbox.json', { baseDir: '/' });
  return [...(loaded.ok ? [] : loaded.problems), ...loaded.warnings].map(({ path, message, hint }) => `${path}: ${message}${hint === undefined ? '' : ` ${hint}`}`);
}
const rule = (more: object) => ({ callers: [{ id: 'a', roles: ['lead'] }], rules: [{ id: 'r', effect: 'ask', ...more }] });
const webhook = (more: object) => ({ approvals: { webhook: { url: 'https://hooks.example.com/x', secret: '${env:HOOK}', ...more } } });

test('what an asking rule says is whole, and what others say of asking is a mistake', () => {
  for (const good of [{}, { approvers: ['lead', 'self'], expiresIn: '1h' }, { remember: 'until', rememberFor: '8h' }, { remember: 'session' }]) expect(said(rule(good))).toEqual([]);
  const wrong: [object, RegExp][] = [
    [{ effect: 'allow', approvers: ['lead'] }, /^rules\[0\]\.approvers: goes only with "effect: ask"/],
    [{ effect: 'deny', expiresIn: '1min' }, /^rules\[0\]\.expiresIn: goes only with "effect: ask"/],
    [{ remember: 'until' }, /^rules\[0\]: "remember: until" needs a "rememberFor"/],
    [{ rememberFor: '1h' }, /^rules\[0\]\.rememberFor: goes only with "remember: until"/],
    [{ remember: 'session', rememberFor: '1h' }, /^rules\[0\]\.rememberFor: goes only with "remember: until"/],
    [{ approvers: ['laed'] }, /^rules\[0\]\.approvers\[0\]: no caller has the role "laed".*Did you mean "lead"\?/],
    [{ approvers: [] }, /^rules\[0\]\.approvers: .*nobody could approve/],
    [{ expiresIn: '0s' }, /^rules\[0\]\.expiresIn: a request that expires at once/],
    [{ remember: 'until', rememberFor: '0s' }, /^rules\[0\]\.rememberFor: .*no time/],
  ];
  for (const [more, words] of wrong) expect(said(rule(more))).toEqual([expect.stringMatching(words)]);
  expect(said({ callers: [{ id: 'a', roles: ['self'] }] })).toEqual([expect.stringMatching(/^callers\[0\]\.roles\[0\]: "self" is no role/)]);
});

test('a webhook has an http address without a password, and its secret is a reference', () => {
  for (const good of [{}, { url: 'http://127.0.0.1:9/x' }, { url: '${env:HOOK_URL}' }, { secret: '${file:./hook.key}' }]) expect(said(webhook(good))).toEqual([]);
  const wrong: [object, RegExp][] = [
    [{ url: 'file:///etc/passwd' }, /^approvals\.webhook\.url: expected an address that begins with http/],
    [{ url: 'hooks.example.com' }, /^approvals\.webhook\.url: expected an address/],
    [{ url: 'https://me:word@hooks.example.com' }, /^approvals\.webhook\.url: holds a user name or a password/],
    [{ secret: 'in clear' }, /^approvals\.webhook\.secret: expected a reference/],
    [{ secret: '${input:hook}' }, /^approvals\.webhook\.secret: /],
  ];
  for (const [more, words] of wrong) expect(said(webhook(more))).toEqual([expect.stringMatching(words)]);
});
