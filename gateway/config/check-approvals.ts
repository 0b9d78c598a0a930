/** Approvals beyond what one rule says of them (check-rules.ts): times that leave none, the word "self", and where requests are announced. */
import { blocksOf, isBlock, member, textOf, textsOf, type Block } from './checks.ts';
import { checkSecretText } from './check-servers.ts';
import type { Path } from './problem.ts';
import { hasReference } from './references.ts';
import type { Report } from './report.ts';

const SELF = 'self';

export function checkApprovals(config: Block, report: Report): void {
  for (const [index, rule] of blocksOf(config, 'rules')) checkTimes(rule, ['rules', index], report);
  for (const [index, caller] of blocksOf(config, 'callers')) {
    for (const [at, role] of textsOf(caller, 'roles')) {
      if (role === SELF) report.problem(['callers', index, 'roles', at], 'value', '"self" is no role: among a rule\'s approvers it stands for the person at the client', 'Give the role another name.');
    }
  }
  const approvals = member(config, 'approvals');
  const webhook = isBlock(approvals) ? member(approvals, 'webhook') : undefined;
  if (isBlock(webhook)) checkWebhook(webhook, ['approvals', 'webhook'], report);
}

const NO_TIME = /^0\D/;

function checkTimes(rule: Block, path: Path, report: Report): void {
  if (NO_TIME.test(textOf(rule, 'expiresIn') ?? '')) report.problem([...path, 'expiresIn'], 'value', 'a request that expires at once cannot be decided', 'For example "10min".');
  if (NO_TIME.test(textOf(rule, 'rememberFor') ?? '')) report.problem([...path, 'rememberFor'], 'value', 'an approval that is remembered for no time cannot be used', 'For example "8h".');
}

const REFERENCE = /\$\{[^}]*\}/g;

function checkWebhook(webhook: Block, path: Path, report: Report): void {
  const secret = textOf(webhook, 'secret');
  if (secret !== undefined && !hasReference(secret)) {
    report.problem([...path, 'secret'], 'value', 'expected a reference, since this key signs what is announced', 'Write ${env:NAME} or ${file:PATH}.');
  } else if (secret !== undefined) checkSecretText('secret', secret, [...path, 'secret'], report);
  checkHookAddress(webhook, [...path, 'url'], report);
}

/** An address of the operator's that something is told to. */
export function checkHookAddress(webhook: Block, at: Path, report: Report): void {
  const url = textOf(webhook, 'url');
  if (url === undefined) return;
  checkSecretText('', url.replace(/\/\/[^/]*@/, '//'), at, report);
  const parsed = URL.parse(url.startsWith('${') ? 'http://reference/' : url.replaceAll(REFERENCE, 'x'));
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    report.problem(at, 'value', 'expected an address that begins with http:// or https://, found something else', 'For example "https://hooks.example.com/approvals".');
  } else if (parsed.username !== '' || parsed.password !== '') report.problem(at, 'value', 'holds a user name or a password', 'What is sent is signed; the receiver checks that.');
}
