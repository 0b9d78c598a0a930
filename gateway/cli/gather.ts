/**
 * Servers of several IDE files as one set: what stands in two of them in the same way is taken once, and what leads back
 * to this gateway not at all.
 */
import { isDeepStrictEqual } from 'node:util';
import { importServers, type NeededVariable, type ServerEntry } from '../clients/index.ts';
import { leadsToUs, type Address } from './ourselves.ts';

export interface Source {
  /** What a person calls it: `Cursor`. */
  readonly label: string;
  readonly path: string;
}

export interface Gathered {
  readonly servers: Readonly<Record<string, ServerEntry>>;
  readonly from: readonly (Source & { readonly ids: readonly string[] })[];
  readonly variables: readonly NeededVariable[];
  /** Servers that need not be taken, since they are there or are this gateway. */
  readonly already: readonly string[];
  /** What was left out or is to be looked at, in words. */
  readonly notes: readonly string[];
  /** Files that could not be read. */
  readonly problems: readonly string[];
}

export interface GatherOptions {
  readonly sources: readonly Source[];
  readonly cwd: string;
  readonly us: Address;
  /** Servers that are configured already. */
  readonly present: Readonly<Record<string, unknown>>;
}

export function gatherServers({ sources, cwd, us, present }: GatherOptions): Gathered {
  const servers: Record<string, ServerEntry> = {};
  const gathered = { servers, from: [] as (Source & { ids: string[] })[], variables: [] as NeededVariable[], already: [] as string[], notes: [] as string[], problems: [] as string[] };
  for (const source of sources) {
    const asNamed = importServers(source.path, { cwd });
    const asFree = asNamed.ok ? importServers(source.path, { cwd, taken: [...Object.keys(present), ...Object.keys(servers)] }) : asNamed;
    if (!asNamed.ok || !asFree.ok) {
      if (!asFree.ok) gathered.problems.push(asFree.problem);
      continue;
    }
    const ids: string[] = [];
    const named = Object.entries(asNamed.servers);
    for (const [at, [id, entry]] of Object.entries(asFree.servers).entries()) {
      const [name, same] = named[at] as [string, ServerEntry];
      if (leadsToUs(entry, us)) gathered.already.push(`"${name}" of ${source.label} is this gateway itself.`);
      else if (isAmong([present, servers], same) || isAmong([present, servers], entry)) gathered.already.push(`"${name}" of ${source.label} is there already.`);
      else {
        servers[id] = entry;
        ids.push(id);
      }
    }
    gathered.from.push({ ...source, ids });
    gathered.variables.push(...asFree.variables.filter(({ server }) => ids.includes(server)));
    gathered.notes.push(...asFree.skipped.map(({ name, why }) => `"${name.slice(0, 64)}" of ${source.label} was left out: ${why}.`), ...notesFor(asFree.notes, ids));
  }
  return gathered;
}

/** Under whichever name: a second one would only show its tools twice. */
const isAmong = (known: readonly Readonly<Record<string, unknown>>[], entry: ServerEntry): boolean =>
  known.some((servers) => Object.values(servers).some((one) => isDeepStrictEqual(one, entry)));

/** Notes speak of servers by id; those of servers that were not taken would only confuse. */
const notesFor = (notes: readonly string[], ids: readonly string[]): string[] => notes.filter((note) => ids.some((id) => note.includes(`"${id}"`)));
