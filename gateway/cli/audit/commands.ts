/** `signalbox audit`: what there is to say. */
import { Option, type Command } from 'commander';
import { command, jsonOption, parseCount } from '../command.ts';
import { addPayload } from '../retention/commands.ts';
import { addSearch } from './search-commands.ts';

const publicKeyOption = (): Option => new Option('--pub <key>', 'public key, or a file that holds it');

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('read and check the ledger');
  command(audit, 'tail', 'the newest records')
    .option('-n, --lines <n>', 'how many', parseCount, 20)
    .option('-f, --follow', 'go on as records come')
    .addOption(jsonOption())
    .action(async (options) => (await import('./tail.ts')).tail(options));
  command(audit, 'verify', 'check the whole ledger: its chain, and its checkpoints')
    .argument('[file]', 'a ledger.db, or a copy of one (default: that of the data directory)')
    .option('--checkpoint <files...>', 'checkpoints that were kept elsewhere')
    .addOption(publicKeyOption())
    .addOption(jsonOption())
    .action(async (file, options) => (await import('./verify.ts')).verify(file, options));
  command(audit, 'key', 'the public key that checkpoints are signed with; note it elsewhere')
    .action(async (options) => (await import('./key.ts')).key(options));
  command(audit, 'prove', 'a file that proves that a record is in the ledger, or that one checkpoint is a beginning of another')
    .argument('[seq]', 'number of the record', parseCount)
    .option('--from <size>', 'instead of a record: the checkpoint of so many records ...', parseCount)
    .option('--to <size>', '... is a beginning of the one of so many', parseCount)
    .option('--out <file>', 'write it there instead of to standard output')
    .action(async (seq, options) => (await import('./prove.ts')).prove(seq, options));
  audit
    .command('check-proof')
    .description('check what "prove" wrote; needs neither gateway nor data directory')
    .argument('<file>', 'the proof')
    .addOption(publicKeyOption().makeOptionMandatory())
    .addOption(jsonOption())
    .action(async (file, options) => (await import('./prove.ts')).check(file, options));
  addSearch(audit);
  addPayload(audit);
}
