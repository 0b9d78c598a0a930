/** The command line: what there is to say. Each command's work is loaded when it is asked for. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isJsonObject, parseLossless, type JsonObject } from '../../core/json.ts';
import { printable } from '../../core/text.ts';
import { VERSION } from '../version.ts';
import { addAudit } from './audit/commands.ts';
import { addRetention } from './retention/commands.ts';
import { command, jsonOption } from './command.ts';
import { CommandError, EXIT } from './exit.ts';
import type { CommonOptions } from './setup.ts';

export async function runProgram(args: readonly string[]): Promise<void> {
  const program = createProgram();
  endWithReaders();
  endWithParent();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed its own words already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  // A fault of the system or the database explains itself; a stack would only hide it.
  if (error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && !(error instanceof TypeError)) {
    process.stderr.write(`signalbox: ${error.message}\n`);
    return EXIT.failed;
  }
  process.stderr.write(`signalbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failed;
}

/** Whoever read the output has gone, as `head` does: what is left to say is dropped, and the command ends as it would have. */
function endWithReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`signalbox: the output cannot be written: ${error.message}\n`);
    process.exitCode = EXIT.failed;
  });
  process.stderr.on('error', () => {});
}

/** Started by another process (an old Node.js that handed over): goes when that one does, in whatever way. */
function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Waiting for that is no reason to live.
  process.channel?.unref();
}

const parsePort = (text: string): number => {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
};

const parseJsonObject = (text: string): JsonObject => {
  let value: unknown;
  try {
    value = parseLossless(text);
  } catch (error) {
    throw new InvalidArgumentError(`This is not JSON (${printable((error as Error).message)}). Example: '{"message":"hello"}'`);
  }
  if (!isJsonObject(value)) throw new InvalidArgumentError(`Arguments are a JSON object, for example '{"message":"hello"}'.`);
  return value;
};

export function createProgram(): Command {
  const program = new Command('signalbox')
    .description('One gateway in front of your tool servers: routes, decides, limits and records every tool call.')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(signalbox COMMAND --help shows what it takes)')
    .configureHelp({ sortSubcommands: false });
  addServing(program);
  addCalling(program);
  addConfiguring(program);
  addKeeping(program);
  return program;
}

const asOption = (): Option => new Option('--as <caller>', 'act for this configured caller');
const profileOption = (): Option => new Option('--profile <id>', 'see the tools as this profile shows them');

function addServing(program: Command): void {
  command(program, 'serve', 'run the gateway; prints "listening on URL" once it answers')
    .option('--port <n>', 'port to listen on; 0 takes a free one', parsePort)
    .option('--host <host>', 'address to listen on')
    .option('--welcome', 'print what to try next')
    .addOption(new Option('--ephemeral').hideHelp())
    .action(async (options) => (await import('./serve.ts')).serve(options));
  command(program, 'stdio', 'serve MCP on stdin and stdout, for an IDE that starts a process')
    .addOption(asOption())
    .addOption(profileOption())
    .action(async (options) => (await import('./stdio.ts')).stdio(options));
}

function addCalling(program: Command): void {
  command(program, 'tools', 'list the tools')
    .addOption(asOption())
    .addOption(profileOption())
    .addOption(jsonOption())
    .action(async (options) => (await import('./tools.ts')).listTools(options));
  program.commands.at(-1)?.addHelpText('after', '\nExample: signalbox tools --profile coding');
  command(program, 'call', 'call a tool, through the same path as everybody')
    .argument('<name>', 'public name of the tool, as "signalbox tools" lists it')
    .argument('[json]', 'its arguments as a JSON object', parseJsonObject, {})
    .addOption(asOption())
    .addOption(profileOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nExample: signalbox call everything__echo '{"message":"hello"}'`)
    .action(async (name, args, options) => (await import('./call.ts')).callTool(name, args, options));
  command(program, 'explain', 'say what would become of a call and why; nothing is called')
    .argument('<name>', 'public name of the tool, or server/tool')
    .argument('[json]', 'its arguments as a JSON object', parseJsonObject, {})
    .addOption(asOption())
    .addOption(profileOption())
    .option('--seen <labels...>', 'labels that the session has touched before')
    .addOption(jsonOption())
    .action(async (name, args, options) => (await import('./explain.ts')).explain(name, args, options));
}

function addConfiguring(program: Command): void {
  command(program, 'check', 'check the configuration; says every mistake with its place')
    .addOption(jsonOption())
    .action(async (options) => (await import('./check.ts')).check(options));
  command(program, 'init', 'write signalbox.yaml from the IDE configurations found on this machine')
    .option('--force', 'replace a signalbox.yaml that is there (a backup is kept)')
    .addOption(jsonOption())
    .action(async (options) => (await import('./init.ts')).init(options));
  command(program, 'import', 'add the servers of an IDE configuration file to signalbox.yaml')
    .argument('<file>', 'for example claude_desktop_config.json, .mcp.json, config.toml')
    .option('--write', 'write them; without it they are printed')
    .addOption(jsonOption())
    .action(async (file, options) => (await import('./import.ts')).importFile(file, options));
  command(program, 'connect', 'point an IDE assistant at this gateway')
    .argument('<client>', 'claude-code, claude-desktop, cursor, vscode, windsurf or codex')
    .option('--write', 'merge the entry into its configuration, keeping a backup; without it the entry is printed')
    .option('--stdio', 'let the client start "signalbox stdio" instead of connecting over HTTP')
    .option('--as <caller>', 'the configured caller that the client is')
    .addOption(profileOption())
    .addOption(jsonOption())
    .action(async (client, options) => (await import('./connect.ts')).connect(client, options));
}

function addKeeping(program: Command): void {
  command(program, 'status', 'how things stand: servers, tools, ledger')
    .addOption(jsonOption())
    .action(async (options) => (await import('./status.ts')).status(options));
  command(program, 'doctor', 'look for what is wrong, and say what to do')
    .addOption(jsonOption())
    .action(async (options) => (await import('./doctor.ts')).doctor(options));
  const pins = program.command('pins').description('what was reviewed of the tools: the lock file');
  command(pins, 'list', 'each tool, and whether it was reviewed')
    .addOption(jsonOption())
    .action(async (options) => (await import('./pins.ts')).listPins(options));
  command(pins, 'diff', 'what is new or changed, word by word, and what the scan says of it; exit code 1 where something is to be reviewed')
    .argument('[tools...]', 'server/tool; "*" stands for any run of characters')
    .addOption(jsonOption())
    .action(async (tools, options) => (await import('./pins.ts')).diffPins(tools, options));
  command(pins, 'approve', 'take tools as they are now into the lock file')
    .argument('<tools...>', 'server/tool; "*" stands for any run of characters')
    .addOption(jsonOption())
    .action(async (tools, options) => (await import('./pins.ts')).approvePins(tools, options));
  command(pins, 'reject', 'take tools out of the lock file')
    .argument('<tools...>', 'server/tool; "*" stands for any run of characters')
    .addOption(jsonOption())
    .action(async (tools, options) => (await import('./pins.ts')).rejectPins(tools, options));
  const keys = program.command('keys').description("make, list and revoke callers' keys");
  command(keys, 'create', 'make a key for a configured caller; it is shown once')
    .argument('<caller>', 'id of the caller')
    .addOption(jsonOption())
    .action(async (caller, options) => (await import('./keys.ts')).createKey(caller, options));
  command(keys, 'list', 'list keys, never their text')
    .addOption(jsonOption())
    .action(async (options) => (await import('./keys.ts')).listKeys(options));
  command(keys, 'revoke', 'make a key worthless, within a second')
    .argument('<id>', 'id of the key')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./keys.ts')).revokeKey(id, options));
  addApprovals(program);
  const policy = program.command('policy').description('rules as code: tested, and tried on what was recorded');
  command(policy, 'test', 'decide the cases of files; for CI')
    .argument('[files...]', 'files of cases (default: signalbox.policy-tests.yaml and *.policy.yaml next to the configuration)')
    .addOption(jsonOption())
    .action(async (files, options) => (await import('./policy.ts')).testPolicy(files, options));
  command(policy, 'replay', 'what rules would have decided of the recorded calls; nothing is called')
    .option('--since <time>', 'a duration such as 7d, or a time such as 2026-07-28T10:00:00Z', '7d')
    .option('--rules <file>', 'the draft: a configuration, or a file with only "rules" and "labels" (default: the configuration)')
    .addOption(jsonOption())
    .action(async (options) => (await import('./policy-replay.ts')).replayPolicy(options));
  addAudit(program);
  addRetention(program);
}

function addApprovals(program: Command): void {
  const approvals = program.command('approvals').description('calls that wait for a person: see and decide them');
  command(approvals, 'list', 'calls that wait for approval')
    .addOption(new Option('--state <state>', 'those in this state').choices(['pending', 'approved', 'denied', 'expired', 'used', 'all']).default('pending'))
    .addOption(jsonOption())
    .action(async (options) => (await import('./approvals.ts')).list(options));
  command(approvals, 'show', 'one of them, with its arguments')
    .argument('<id>', 'id of the approval')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./approvals.ts')).show(id, options));
  command(approvals, 'approve', 'let the call through, when it comes again')
    .argument('<id>', 'id of the approval')
    .option('--args <json>', 'arguments for the tool in place of those that the caller gave', parseJsonObject)
    .option('--as <caller>', 'decide as this configured caller, where a role approves')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./approvals.ts')).approve(id, options));
  command(approvals, 'deny', 'refuse the call')
    .argument('<id>', 'id of the approval')
    .option('--reason <text>', 'what the caller, and its model, reads')
    .option('--as <caller>', 'decide as this configured caller, where a role approves')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./approvals.ts')).deny(id, options));
}

export type { CommonOptions };
