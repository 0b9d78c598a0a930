/** What is right of one server entry only as a whole: its id, a command or a url, and what each may hold. */
import { blocksIn, checkUnique, isBlock, member, textOf, textsIn, textsOf, type Block } from './checks.ts';
import type { Path } from './problem.ts';
import { hasReference, parseReferences } from './references.ts';
import type { Report } from './report.ts';
import { MAX_SERVER_ID_LENGTH, SERVER_ID, SERVER_TYPES, serverSchema } from './schema-servers.ts';
import { looksSecret } from './secret-looking.ts';
import { suggest } from './suggest.ts';

const KEYS = Object.keys(serverSchema.shape);
const KNOWN_TYPES: ReadonlySet<string | undefined> = new Set(SERVER_TYPES);
const STDIO_ONLY = ['args', 'env', 'cwd'];

export function checkServers(config: Block, report: Report): void {
  const servers = member(config, 'servers');
  const ids = isBlock(servers) ? Object.keys(servers) : [];
  for (const id of ids) checkServerId(id, report);
  checkUnique(ids.map((id) => [id, ['servers', id]] as const), 'server', 'key', report);
  for (const [id, server] of blocksIn(config, 'servers')) {
    const path = ['servers', id];
    checkKind(server, path, report);
    checkCommand(server, path, report);
    checkUrl(server, path, report);
    checkHeaders(server, path, report);
    checkEnv(server, path, report);
    checkPlainTexts(server, path, report);
  }
}

function checkServerId(id: string, report: Report): void {
  const path = ['servers', id];
  if (id.length > MAX_SERVER_ID_LENGTH) report.problem(path, 'key', `a server's id has at most ${MAX_SERVER_ID_LENGTH} characters; this one has ${id.length}`);
  else if (id.includes('__')) {
    report.problem(path, 'key', 'a server\'s id may not hold a double underscore, since tools are named "server__tool"', 'Use a single "_" or "-".');
  } else if (!SERVER_ID.test(id)) {
    report.problem(path, 'key', 'a server\'s id is made of letters, digits, "-" and single "_", and begins and ends with a letter or a digit');
  }
}

function checkKind(server: Block, path: Path, report: Report): void {
  const hasCommand = Object.hasOwn(server, 'command');
  const hasUrl = Object.hasOwn(server, 'url');
  const type = textOf(server, 'type');
  if (hasCommand && hasUrl) return report.problem([...path, 'url'], 'key', 'a server has either a "command" or a "url", and this one has both', 'Remove one of the two.');
  // A misspelt one is reported as an unknown key already.
  const misspelt = Object.keys(server).some((key) => ['command', 'url'].includes(suggest(key, KEYS) ?? ''));
  if (!hasCommand && !hasUrl && misspelt) return;
  if (!hasCommand && !hasUrl) return report.problem(path, 'key', 'a server needs a "command" (to start a process) or a "url" (to reach it over HTTP)');
  if (hasCommand && type !== 'stdio' && KNOWN_TYPES.has(type)) {
    report.problem([...path, 'type'], 'value', 'does not go with a "command", which means type stdio', 'Remove "type", or give a "url".');
  }
  if (hasUrl && type === 'stdio') report.problem([...path, 'type'], 'value', 'stdio does not go with a "url"', 'Remove "type", or write "http" or "sse".');
  if (hasUrl) {
    for (const key of STDIO_ONLY) {
      if (Object.hasOwn(server, key)) report.problem([...path, key], 'key', 'goes only with a "command"; this server has a "url"', key === 'env' ? 'Credentials for a url go into "headers".' : undefined);
    }
  }
  if (hasCommand && Object.hasOwn(server, 'headers')) report.problem([...path, 'headers'], 'key', 'goes only with a "url"; this server has a "command"', 'Credentials for a process go into "env".');
}

function checkCommand(server: Block, path: Path, report: Report): void {
  const command = textOf(server, 'command');
  if (command === undefined) return;
  const at = [...path, 'command'];
  if (command.trim() === '') return report.problem(at, 'value', 'expected the name or the path of a program, found an empty text');
  if (command.includes('\0')) return report.problem(at, 'value', 'may not hold a NUL character');
  const [program = '', ...words] = command.trim().split(/\s+/);
  const isPath = /[\\/]/.test(program);
  const isShellLine = words.length > 0 && (!isPath || words.some((word) => word.startsWith('-') || /^[|&;<>]|\$\(|`/.test(word)));
  if (isShellLine) {
    const name = /^[\w./@+-]{1,60}$/.test(program) ? `"${program}"` : 'the program alone';
    report.problem(at, 'value', 'expected one program, found a whole command line; no shell takes it apart', `Write ${name} here, and each of its arguments as an entry of "args".`);
  }
}

function checkUrl(server: Block, path: Path, report: Report): void {
  const text = textOf(server, 'url');
  if (text === undefined) return;
  const at = [...path, 'url'];
  checkSecretText('', text.replace(/\/\/[^/]*@/, '//'), at, report);
  const url = URL.parse(text.startsWith('${') ? 'http://reference/' : text.replaceAll(REFERENCE, 'x'));
  if (url === null) return report.problem(at, 'value', 'expected an address such as https://tools.example.com/mcp, found something else');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return report.problem(at, 'value', 'expected an address that begins with http:// or https://, found another kind');
  if (url.username !== '' || url.password !== '') {
    report.problem(at, 'value', 'holds a user name or a password; addresses end up in logs', 'Send it as a header: headers: { authorization: "Bearer ${env:TOKEN}" }.');
  }
}

const REFERENCE = /\$\{[^}]*\}/g;

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110, 5.6.2: token
/** What the gateway writes itself: framing (RFC 9112), routing, and the MCP headers that mirror the body. */
export const OWN_HEADERS = /^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|keep-alive|expect|accept|mcp-.*)$/i;

function checkHeaders(server: Block, path: Path, report: Report): void {
  const headers = textsIn(server, 'headers');
  checkUnique(headers.map(([name]) => [name, [...path, 'headers', name]] as const), 'header', 'key', report);
  for (const [name, value] of headers) {
    const at = [...path, 'headers', name];
    if (!HEADER_NAME.test(name)) report.problem(at, 'key', 'this is no name of an HTTP header');
    else if (OWN_HEADERS.test(name)) report.problem(at, 'key', 'this header is set by the gateway itself', 'Remove it.');
    if (/[\0\r\n]/.test(value)) report.problem(at, 'value', 'a header\'s value may not hold line breaks or NUL');
    checkSecretText(name, value, at, report);
  }
}

function checkEnv(server: Block, path: Path, report: Report): void {
  for (const [name, value] of textsIn(server, 'env')) {
    const at = [...path, 'env', name];
    if (name === '' || /[=\0]/.test(name)) report.problem(at, 'key', 'this is no name of an environment variable');
    if (value.includes('\0')) report.problem(at, 'value', 'an environment variable may not hold a NUL character');
    checkSecretText(name, value, at, report);
  }
}

export function checkSecretText(name: string, value: string, at: Path, report: Report): void {
  const bad = parseReferences(value).find((part) => part.type === 'unknown');
  if (bad !== undefined) report.problem(at, 'value', ...referenceProblem(bad.kind));
  else if (looksSecret(name, value) && !hasReference(value)) {
    report.warning(at, 'value', 'a secret seems to stand here in clear', 'Keep it out of the file with ${env:NAME} or ${file:PATH}.');
  }
}

function referenceProblem(kind: string): [message: string, hint: string] {
  if (kind === 'input') return ['"${input:...}" is filled in by VS Code and means nothing here', 'Write ${env:NAME} and set the variable NAME where the gateway starts.'];
  return ['a "${...}" here is neither ${env:NAME} nor ${file:PATH}', 'Write one of these, or "$${" for a plain "${".'];
}

/** A program and a folder are taken literally; arguments and addresses may hold references. */
function checkPlainTexts(server: Block, path: Path, report: Report): void {
  for (const key of ['command', 'cwd']) {
    const text = textOf(server, key);
    if (text === undefined) continue;
    if (text.includes('${')) report.problem([...path, key], 'value', 'references are not resolved here', 'Write the value itself.');
    else checkHome(text, [...path, key], report);
  }
  for (const [index, text] of textsOf(server, 'args')) {
    const at = [...path, 'args', index];
    if (text.includes('\0')) report.problem(at, 'value', 'an argument may not hold a NUL character');
    if (text.startsWith('~/')) report.warning(at, 'value', '"~" is not expanded, since no shell is involved', 'Write the whole path.');
    checkSecretText('', text, at, report);
  }
}

export function checkHome(text: string, at: Path, report: Report): void {
  if (/^~(?:$|[\\/])/.test(text)) report.problem(at, 'value', '"~" is not expanded, since no shell is involved', 'Write the whole path.');
}
