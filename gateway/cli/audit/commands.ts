/** `signalbox audit`: what there is to say. */
import type { Command } from 'commander';
import { command, jsonOption, parseCount } from '../command.ts';
import { addSearch } from './search-commands.ts';

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('read and check the ledger');
  command(audit, 'tail', 'the newest records')
    .option('-n, --lines <n>', 'how many', parseCount, 20)
    .option('-f, --follow', 'go on as records come')
    .addOption(jsonOption())
    .action(async (options) => (await import('./tail.ts')).tail(options));
  command(audit, 'verify', 'check the chain of the whole ledger')
    .addOption(jsonOption())
    .action(async (options) => (await import('./verify.ts')).verify(options));
  addSearch(audit);
}
