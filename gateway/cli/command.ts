/** What commands have in common on the command line. Each command's work is loaded when it is asked for. */
import { InvalidArgumentError, Option, type Command } from 'commander';

/** A command with the options that all of them share. */
export function command(parent: Command, nameAndArguments: string, description: string): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .option('-c, --config <file>', 'configuration file (default: signalbox.yaml, .yml or .json here)')
    .option('--data <dir>', 'data directory (default: what the configuration says)');
}

export const jsonOption = (): Option => new Option('--json', 'print data as JSON');

export const parseCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('A count is a whole number from 1.');
  return count;
};
