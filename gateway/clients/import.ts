/**
 * Servers of an IDE's file as entries for `signalbox.yaml`. Values that seem to be secrets become references, with a
 * list of the variables to set; the literal goes nowhere. What cannot be taken over is skipped, and says why.
 */
import { extname } from 'node:path';
import { parseConfig } from '../config/load.ts';
import { looksSecret } from '../config/secret-looking.ts';
import { MAX_SERVER_ID_LENGTH } from '../config/schema-servers.ts';
import { readEntry, type ServerEntry } from './entries.ts';
import { isBlock, parseClientText, readClientText, type Block } from './read.ts';
import { renderConfig } from './render.ts';

/** A variable that must be set before the gateway starts. */
export interface NeededVariable {
  readonly name: string;
  readonly server: string;
  /** `env.GITHUB_TOKEN` or `headers.Authorization`. */
  readonly member: string;
  /** Whether its value stands in the IDE's file; else the IDE took it from elsewhere. */
  readonly inFile: boolean;
}

export interface Imported {
  readonly servers: Readonly<Record<string, ServerEntry>>;
  readonly variables: readonly NeededVariable[];
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  /** What to look at by hand. */
  readonly notes: readonly string[];
}

export type ImportResult = ({ readonly ok: true } & Imported) | { readonly ok: false; readonly problem: string };

export interface ImportOptions {
  /** Claude Code keeps servers of single projects in the user's file: those of this folder are taken too. */
  readonly cwd?: string;
  /** Ids that are taken already. */
  readonly taken?: Iterable<string>;
}

export function importServers(path: string, options: ImportOptions = {}): ImportResult {
  const file = readClientText(path);
  if (!file.ok) return { ok: false, problem: file.problem };
  const parsed = parseClientText(file.text, path, extname(path) === '.toml' ? 'toml' : 'json');
  if (!parsed.ok) return parsed;
  return { ok: true, ...importValue(parsed.value, options) };
}

function importValue(file: Block, options: ImportOptions): Imported {
  const taken = new Set([...(options.taken ?? [])].map((id) => id.toLowerCase()));
  const servers: Record<string, ServerEntry> = {};
  const variables: NeededVariable[] = [];
  const skipped: { name: string; why: string }[] = [];
  const notes: string[] = [];
  const values = new Map<string, string>();
  for (const [name, raw] of rawServers(file, options.cwd)) {
    const read = readEntry(raw);
    if (!read.ok) {
      skipped.push({ name, why: read.why });
      continue;
    }
    const id = freeId(name, taken);
    const { entry, needed } = withoutSecrets(id, read.entry, values);
    const check = parseConfig(renderConfig({ [id]: entry }), 'signalbox.yaml');
    if (!check.ok) {
      skipped.push({ name, why: check.problems.map(({ message }) => message).join('; ') });
      continue;
    }
    taken.add(id.toLowerCase());
    servers[id] = entry;
    variables.push(...needed);
    if (id !== name) notes.push(`"${name.slice(0, 64)}" is called "${id}" here.`);
    if (read.entry.disabled !== true && entry.disabled === true) notes.push(`"${id}" is disabled: a credential stood in its address or arguments and was left out. Put it into "env" or "headers" as a reference, then remove "disabled".`);
  }
  return { servers, variables, skipped, notes };
}

function rawServers(file: Block, cwd: string | undefined): [string, unknown][] {
  const maps = ['mcpServers', 'servers', 'mcp_servers'].map((key) => (Object.hasOwn(file, key) ? file[key] : undefined));
  const projects = Object.hasOwn(file, 'projects') ? file['projects'] : undefined;
  if (cwd !== undefined && isBlock(projects) && Object.hasOwn(projects, cwd)) {
    const project = projects[cwd];
    if (isBlock(project)) maps.push(project['mcpServers']);
  }
  return maps.filter(isBlock).flatMap((map) => Object.entries(map));
}

/** The name as a server id: legal, short enough, and not taken. */
function freeId(name: string, taken: ReadonlySet<string>): string {
  const plain = name.normalize('NFKD').replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/_{2,}/g, '_').replaceAll(/-*_-*/g, '_');
  const base = trimEnds(trimEnds(plain).slice(0, MAX_SERVER_ID_LENGTH - 4)) || 'server';
  let id = base;
  for (let count = 2; taken.has(id.toLowerCase()); count++) id = `${base}-${count}`;
  return id;
}

const trimEnds = (text: string) => text.replace(/^[_-]+/, '').replace(/[_-]+$/, '');

interface Cleaned {
  readonly entry: ServerEntry;
  readonly needed: readonly NeededVariable[];
}

/** `values` remembers which literal each variable stands for, so that one name is never asked to hold two. */
function withoutSecrets(id: string, entry: ServerEntry, values: Map<string, string>): Cleaned {
  const needed: NeededVariable[] = [];
  const clean = (kind: 'env' | 'headers') => {
    const map = entry[kind];
    if (map === undefined) return {};
    const cleaned = Object.entries(map).map(([name, value]) => [name, referenced(id, kind, name, value, values, needed)]);
    return { [kind]: Object.fromEntries(cleaned) as Record<string, string> };
  };
  const args = entry.args?.map((argument, index, all) => (isSecretArgument(argument, all[index - 1]) ? 'REMOVED' : argument));
  const url = entry.url === undefined ? undefined : urlWithoutSecrets(entry.url);
  const removed = url !== entry.url || args?.some((argument, index) => argument !== entry.args?.[index]) === true;
  return {
    entry: { ...entry, ...clean('env'), ...clean('headers'), ...(args === undefined ? {} : { args }), ...(url === undefined ? {} : { url }), ...(removed ? { disabled: true } : {}) },
    needed,
  };
}

function referenced(id: string, kind: 'env' | 'headers', name: string, value: string, values: Map<string, string>, needed: NeededVariable[]): string {
  const need = (variable: string, inFile: boolean) => {
    if (!needed.some((one) => one.name === variable)) needed.push({ name: variable, server: id, member: `${kind}.${name}`, inFile });
    return `\${env:${variable}}`;
  };
  let references = 0;
  const withReferences = value.replaceAll(/\$\{(?:(env|input):)?([A-Za-z_][\w-]*)(:-[^}]*)?\}/g, (_whole, type: string | undefined, word: string, fallback = '') => {
    references++;
    const variable = type === 'input' ? variableName(word) : word.replaceAll('-', '_');
    return fallback === '' ? need(variable, false) : `\${env:${variable}${fallback as string}}`;
  });
  const literal = withReferences.replaceAll(/\$\{[^}]*\}/g, '');
  if (references > 0 && !looksSecret('', literal)) return withReferences;
  if (!isSecretValue(kind, name, value)) return value.replaceAll('${', '$${');
  const [, scheme = '', secret = ''] = /^((?:Bearer|Basic|Token)\s+)?([\s\S]*)$/i.exec(value) ?? [];
  return `${scheme}${need(freeVariable(id, kind, name, secret, values), true)}`;
}

/** Headers that describe the client or the answer; any other that is written out is taken for a credential. */
const HARMLESS_HEADERS = /^(?:accept|accept-language|user-agent|x-[a-z-]*version|x-client-name|x-request-source)$/i;

const isSecretValue = (kind: 'env' | 'headers', name: string, value: string): boolean =>
  value !== '' && (looksSecret(name, value) || (kind === 'headers' && !HARMLESS_HEADERS.test(name)));

function freeVariable(id: string, kind: 'env' | 'headers', name: string, secret: string, values: Map<string, string>): string {
  const full = variableName(`${id}_${name}`);
  const wanted = kind === 'env' && /^[A-Za-z_]\w*$/.test(name) ? name : full;
  for (let count = 1; ; count++) {
    const variable = count === 1 ? wanted : count === 2 ? full : `${full}_${count}`;
    const before = values.get(variable);
    if (before !== undefined && before !== secret) continue;
    values.set(variable, secret);
    return variable;
  }
}

const variableName = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_').replace(/^(?=\d|$)/, '_');

const SECRET_FLAG = /^--?[\w-]*(?:key|token|secret|password|passwd|auth|credential|pat)[\w-]*$/i;
const SECRET_ASSIGNMENT = /^(?:--?)?[\w-]*(?:key|token|secret|password|passwd|auth|credential|pat)[\w-]*[=:]\s*(?!.*\$\{)\S/i;

function isSecretArgument(argument: string, before: string | undefined): boolean {
  if (/\$\{/.test(argument)) return false;
  return looksSecret('', argument) || SECRET_ASSIGNMENT.test(argument) || (before !== undefined && SECRET_FLAG.test(before) && !argument.startsWith('-'));
}

/** Without user name and password, and without query values that seem to be keys. */
function urlWithoutSecrets(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  const secretNames = [...url.searchParams].filter(([name, value]) => looksSecret(name, value)).map(([name]) => name);
  if (url.username === '' && url.password === '' && secretNames.length === 0) return text;
  url.username = '';
  url.password = '';
  for (const name of secretNames) url.searchParams.delete(name);
  return url.href;
}
