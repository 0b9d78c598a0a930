/** What rules say of approvals, and where requests are announced: members that go together, approvers that exist. */
import { blocksOf, isBlock, member, textOf, textsOf, type Block } from './checks.ts';
import { checkSecretText } from './check-servers.ts';
import type { Path } from './problem.ts';
import { hasReference } from './references.ts';
import type { Report } from './report.ts';
import { didYouMean } from './suggest.ts';

const ASK_ONLY = ['approvers', 'expiresIn', 'remember', 'rememberFor'];
const SELF = 'self';

/** @param roles of all callers */
export function checkApprovals(config: Block, roles: readonly string[], report: Report): void {
  for (const [index, rule] of blocksOf(config, 'rules')) checkAsking(rule, ['rules', index], roles, report);
  for (const [index, caller] of blocksOf(config, 'callers')) {
    for (const [at, role] of textsOf(caller, 'roles')) {
      if (role === SELF) report.problem(['callers', index, 'roles', at], 'value', '"self" is no role: among a rule\'s approvers it stands for the person at the client', 'Give the role another name.');
    }
  }
  const approvals = member(config, 'approvals');
  const webhook = isBlock(approvals) ? member(approvals, 'webhook') : undefined;
  if (isBlock(webhook)) checkWebhook(webhook, ['approvals', 'webhook'], report);
}

function checkAsking(rule: Block, path: Path, roles: readonly string[], report: Report): void {
  const effect = textOf(rule, 'effect');
  if (effect !== 'ask') {
    for (const key of ASK_ONLY) {
      if (Object.hasOwn(rule, key) && effect !== undefined) report.problem([...path, key], 'key', 'goes only with "effect: ask"', `Remove it, or write "effect: ask" in place of "${effect.slice(0, 16)}".`);
    }
    return;
  }
  checkRemember(rule, path, report);
  const approvers = textsOf(rule, 'approvers');
  if (Array.isArray(member(rule, 'approvers')) && approvers.length === 0) report.problem([...path, 'approvers'], 'value', 'nobody could approve', 'Name "self" or roles, or leave it out for "self".');
  if (/^0\D/.test(textOf(rule, 'expiresIn') ?? '')) report.problem([...path, 'expiresIn'], 'value', 'a request that expires at once cannot be decided', 'For example "10min".');
  for (const [at, role] of approvers) {
    if (role === SELF || roles.includes(role)) continue;
    report.warning([...path, 'approvers', at], 'value', `no caller has the role "${role.slice(0, 64)}", so nobody can approve by it`, didYouMean(role, [SELF, ...roles]));
  }
}

function checkRemember(rule: Block, path: Path, report: Report): void {
  const isUntil = textOf(rule, 'remember') === 'until';
  const hasTime = Object.hasOwn(rule, 'rememberFor');
  if (isUntil && !hasTime) report.problem([...path, 'remember'], 'value', '"until" needs "rememberFor": how long', 'For example rememberFor: 8h.');
  if (!isUntil && hasTime) report.problem([...path, 'rememberFor'], 'key', 'goes only with "remember: until"');
  if (/^0\D/.test(textOf(rule, 'rememberFor') ?? '')) report.problem([...path, 'rememberFor'], 'value', 'an approval that is remembered for no time cannot be used', 'For example "8h".');
}

const REFERENCE = /\$\{[^}]*\}/g;

function checkWebhook(webhook: Block, path: Path, report: Report): void {
  const secret = textOf(webhook, 'secret');
  if (secret !== undefined && !hasReference(secret)) {
    report.problem([...path, 'secret'], 'value', 'expected a reference, since this key signs what is announced', 'Write ${env:NAME} or ${file:PATH}.');
  } else if (secret !== undefined) checkSecretText('secret', secret, [...path, 'secret'], report);
  const url = textOf(webhook, 'url');
  if (url === undefined) return;
  const at = [...path, 'url'];
  checkSecretText('', url.replace(/\/\/[^/]*@/, '//'), at, report);
  const parsed = URL.parse(url.startsWith('${') ? 'http://reference/' : url.replaceAll(REFERENCE, 'x'));
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    report.problem(at, 'value', 'expected an address that begins with http:// or https://, found something else', 'For example "https://hooks.example.com/approvals".');
  } else if (parsed.username !== '' || parsed.password !== '') report.problem(at, 'value', 'holds a user name or a password', 'What is announced is signed; the receiver checks that.');
}
