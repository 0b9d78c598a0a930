/**
 * Servers of an IDE's file as entries for `signalbox.yaml`. Values that seem to be secrets become references, with a
 * list of the variables to set; the literal goes nowhere. What cannot be taken over is skipped, and says why.
 */
import { extname } from 'node:path';
import { parseConfig } from '../config/load.ts';
import { MAX_SERVER_ID_LENGTH } from '../config/schema-servers.ts';
import { readEntry, type ServerEntry } from './entries.ts';
import { isBlock, parseClientText, readClientText, type Block } from './read.ts';
import { createReferences, type NeededVariable } from './imported-secrets.ts';
import { renderConfig } from './render.ts';

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
    if (read.entry.disabled !== true && entry.disabled === true) notes.push(`"${id}" is disabled: a user name or password stood in its address and was left out. Put it into "headers" as a reference, then remove "disabled".`);
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
  const use = createReferences(id, values, needed);
  const clean = (kind: 'env' | 'headers') => {
    const map = entry[kind];
    if (map === undefined) return {};
    return { [kind]: Object.fromEntries(Object.entries(map).map(([name, value]) => [name, use.value(kind, name, value)])) as Record<string, string> };
  };
  const own = Object.keys(entry.env ?? {});
  // First, so that these get the variables of their own names.
  const maps = { ...clean('env'), ...clean('headers') };
  const args = entry.args?.map((argument, index, all) => use.argument(argument, all[index - 1], index, own));
  const url = entry.url === undefined ? undefined : use.url(entry.url);
  return {
    entry: {
      ...entry, ...maps, ...(args === undefined ? {} : { args }),
      ...(url === undefined ? {} : { url: url.text, ...(url.removed ? { disabled: true } : {}) }),
    },
    needed,
  };
}
