/**
 * Files that IDEs keep their servers in, read as a configuration: `mcpServers` (or VS Code's `servers`), `${NAME}`
 * references, and keys of the IDE's own, which are left out with a warning. Also the two spellings of `servers`.
 */
import { basename } from 'node:path';
import type { Path } from './problem.ts';
import { withEnvPrefix } from './references.ts';
import { OWN_KEYS } from './schema.ts';
import { serverSchema } from './schema-servers.ts';
import { didYouMean } from './suggest.ts';

const IDE_FILES = new Set(['claude_desktop_config.json', '.mcp.json', 'mcp.json', '.claude.json', 'mcp_config.json']);

/** Keys that IDEs put into an entry and that say nothing about reaching the server. */
const IDE_ENTRY_KEYS = new Set(['autoApprove', 'alwaysAllow', 'disabledTools', 'enabledTools', 'gallery', 'version', 'dev', 'description', 'name', 'icon', 'trust', 'timeout', 'tools']);

/** `serverUrl` is Windsurf's and `httpUrl` Gemini's word for `url`. */
const URL_KEYS = ['serverUrl', 'httpUrl'];

export interface IdeWarning {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
}

export interface Adapted {
  /** With `servers` as the one spelling, and only known keys where it is an IDE's file. */
  readonly value: unknown;
  /** The key that the servers were under in the text. */
  readonly serversKey: string;
  readonly both: boolean;
  readonly isIdeFile: boolean;
  readonly warnings: readonly IdeWarning[];
  /** From paths of the meaning to paths of the text. */
  readonly rename: (path: Path) => Path;
}

const isBlock = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function adaptSynonyms(value: unknown, file: string): Adapted {
  const warnings: IdeWarning[] = [];
  if (!isBlock(value)) return { value, serversKey: 'servers', both: false, isIdeFile: false, warnings, rename: (path) => path };
  const serversKey = Object.hasOwn(value, 'mcpServers') ? 'mcpServers' : 'servers';
  const both = serversKey === 'mcpServers' && Object.hasOwn(value, 'servers');
  const isIdeFile = looksLikeIdeFile(value, file);
  const renamedKeys = new Map<string, string>();
  const rest: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === 'mcpServers' || key === 'servers') continue;
    if (!isIdeFile || key === '$schema') rest[key] = member;
    else if (key !== 'inputs') warnings.push({ path: [key], message: 'is the IDE\'s own and is not read' });
  }
  const servers = value[serversKey];
  if (servers !== undefined) rest['servers'] = isBlock(servers) ? adaptServers(servers, isIdeFile, warnings, renamedKeys) : servers;
  const rename = (path: Path): Path =>
    path[0] === 'servers' ? [serversKey, ...path.slice(1).map((part, at) => (at === 1 ? (renamedKeys.get(`${String(path[1])}\0${String(part)}`) ?? part) : part))] : path;
  return { value: rest, serversKey, both, isIdeFile, warnings, rename };
}

function looksLikeIdeFile(value: Record<string, unknown>, file: string): boolean {
  if (OWN_KEYS.some((key) => Object.hasOwn(value, key))) return false;
  if (IDE_FILES.has(basename(file))) return true;
  return /\.jsonc?$/i.test(file) && !/^signalbox\b/.test(basename(file)) && (Object.hasOwn(value, 'mcpServers') || Object.hasOwn(value, 'inputs'));
}

function adaptServers(servers: Record<string, unknown>, isIdeFile: boolean, warnings: IdeWarning[], renamedKeys: Map<string, string>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [id, entry] of Object.entries(servers)) {
    result[id] = isBlock(entry) ? adaptEntry(id, entry, isIdeFile, warnings, renamedKeys) : entry;
  }
  return result;
}

function adaptEntry(id: string, entry: Record<string, unknown>, isIdeFile: boolean, warnings: IdeWarning[], renamedKeys: Map<string, string>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const known = Object.keys(serverSchema.shape);
  for (const [key, member] of Object.entries(entry)) {
    if (isIdeFile && URL_KEYS.includes(key) && !Object.hasOwn(entry, 'url')) {
      result['url'] = member;
      renamedKeys.set(`${id}\0url`, key);
    } else if (isIdeFile && !known.includes(key)) {
      const hint = IDE_ENTRY_KEYS.has(key) ? undefined : didYouMean(key, known);
      warnings.push({ path: ['servers', id, key], message: 'is not read from an IDE\'s file', ...(hint === undefined ? {} : { hint }) });
    } else result[key] = isBlock(member) ? prefixedMembers(member) : key === 'args' || key === 'url' ? withReferences(member, entry['env']) : member;
  }
  return result;
}

/** `${NAME}` as `${env:NAME}` in each value. */
const prefixedMembers = (member: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(member).map(([name, value]) => [name, typeof value === 'string' ? withEnvPrefix(value) : value]));

/** The same in an address or in arguments; a variable that the entry gives to the program itself is for the program. */
function withReferences(member: unknown, env: unknown): unknown {
  if (Array.isArray(member)) return member.map((one) => withReferences(one, env));
  if (typeof member !== 'string') return member;
  return withEnvPrefix(member, isBlock(env) ? Object.keys(env) : []);
}
