/** `signalbox audit search`, `show`, `export`, `index`: what there is to say. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { command, jsonOption, parseCount } from '../command.ts';

const MAX_LIMIT = 10_000;

export function addSearch(audit: Command): void {
  filtered(command(audit, 'search', 'calls and other records that fit, newest first'))
    .option('--limit <n>', 'how many', parseLimit, 50)
    .option('--before <seq>', 'go on behind an earlier answer', parseCount)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample: signalbox audit search --caller alice --tool "files/*" --outcome failed --since 2h')
    .action(async (options) => (await import('./search.ts')).search(options));
  command(audit, 'show', 'everything about one call, or one record')
    .argument('<what>', 'seq of a record, or id of a call')
    .addOption(jsonOption())
    .action(async (what, options) => (await import('./show.ts')).show(what, options));
  filtered(command(audit, 'export', 'all records that fit, oldest first'))
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv', 'ocsf', 'otlp']).default('jsonl'))
    .option('--out <file>', 'write into a file, which must not be there yet')
    .option('--endpoint <url>', 'with otlp: send to a collector (OTLP/HTTP); headers come from OTEL_EXPORTER_OTLP_HEADERS')
    .addHelpText('after', '\nExample: signalbox audit export --format csv --since 7d --out calls.csv')
    .action(async (options) => (await import('./export.ts')).exportRecords(options));
  command(audit, 'index', 'bring the search index up to date now; a search does it by itself')
    .addOption(new Option('--answer').hideHelp())
    .addOption(new Option('--background').hideHelp())
    .action(async (options) => (await import('./search.ts')).bringUpToDate(options));
}

function filtered(to: Command): Command {
  return to
    .option('--caller <id>', 'by this caller')
    .option('--tool <pattern>', 'server/tool; "*" stands for any run of characters')
    .option('--server <id>', 'of this server')
    .option('--decision <effect>', 'allow, ask or deny')
    .option('--rule <id>', 'decided by this rule')
    .option('--outcome <outcome>', 'completed, failed, refused, unknown, waiting or open')
    .option('--code <code>', 'that ended with this error')
    .option('--since <time>', 'a duration such as 2h, or a time such as 2026-07-28T10:00:00Z')
    .option('--until <time>', 'likewise')
    .option('--text <words>', 'all of these words, anywhere in the record; "word*" is the beginning of one')
    .option('--call <id>', 'of this call')
    .option('--session <id>', 'of this session')
    .option('--trace <id>', 'of this trace')
    .option('--approval <id>', 'of this approval');
}

const parseLimit = (text: string): number => {
  const count = parseCount(text);
  if (count > MAX_LIMIT) throw new InvalidArgumentError(`At most ${MAX_LIMIT}; "signalbox audit export" has no end.`);
  return count;
};
