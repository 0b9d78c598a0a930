/** `audit.checkpoints`: a pace that is none, an address that is none, a place that proves nothing. */
import { checkHookAddress } from './check-approvals.ts';
import { isBlock, member, textOf, type Block } from './checks.ts';
import type { Report } from './report.ts';

const NO_TIME = /^0\D/;

export function checkRegister(config: Block, report: Report): void {
  const audit = member(config, 'audit');
  const checkpoints = isBlock(audit) ? member(audit, 'checkpoints') : undefined;
  if (!isBlock(checkpoints)) return;
  const path = ['audit', 'checkpoints'];
  if (NO_TIME.test(textOf(checkpoints, 'every') ?? '')) report.problem([...path, 'every'], 'value', 'a checkpoint is not made without a pause', 'For example "10s".');
  if (textOf(checkpoints, 'file') === '') report.problem([...path, 'file'], 'value', 'expected the path of a file, found an empty text', 'For example "/mnt/worm/signalbox.checkpoints".');
  const webhook = member(checkpoints, 'webhook');
  if (isBlock(webhook)) checkHookAddress(webhook, [...path, 'webhook', 'url'], report);
}
