/**
 * Every tool of every connector as a route without a public name: an immutable, versioned snapshot, taken anew when a
 * connector's list changes. Who sees what of it, and under which name, is `view.ts`.
 */
import type { ToolCall } from '../../core/call.ts';
import type { Connector } from '../../core/connector.ts';
import type { JsonObject } from '../../core/json.ts';
import { paramHeaders, type ParamHeader } from '../../core/param-headers.ts';
import type { Standing } from '../../core/pin.ts';
import { fingerprint, type Route, type UpstreamTool } from '../../core/tool.ts';

/** A route before a profile has named it. */
export interface CatalogEntry extends Omit<Route, 'publicName'> {
  readonly connector: Connector;
  /** Arguments that a 2026 client mirrors in headers when it calls this tool over HTTP. */
  readonly paramHeaders: readonly ParamHeader[];
  /** A tool of the gateway's own, which reads the result of another call: that call, as it would be decided now. */
  readonly reads?: (routes: ReadonlyMap<string, Route>, call: ToolCall) => Reading | undefined;
}

/** The call whose result is read. */
export interface Reading {
  readonly route: Route;
  readonly args: JsonObject;
  /** Its id in the ledger. */
  readonly call: string;
}

/** A tool that is not clear, and why. */
export interface JudgedEntry extends CatalogEntry {
  readonly standing: Exclude<Standing, { type: 'clear' }>;
}

export interface Catalog {
  readonly version: number;
  /** What there is for callers. Sorted by `ref`. */
  readonly entries: readonly CatalogEntry[];
  /** Tools that exist for nobody but the operator, and such as are among `entries` and were remarked on. Sorted by `ref`. */
  readonly held: readonly JudgedEntry[];
  readonly noted: readonly JudgedEntry[];
  /** The lists that it was made of. */
  readonly sources: ReadonlyMap<Connector, readonly UpstreamTool[]>;
  /** Smallest time, in ms, that any upstream lets its list be kept; absent where none says. */
  readonly ttlMs: number | undefined;
}

export interface ServerList {
  readonly connector: Connector;
  readonly entries: readonly CatalogEntry[];
}

/** How each tool stands; those that it does not name are clear. Lists come in the order of the configuration. */
export type Judge = (lists: readonly ServerList[]) => ReadonlyMap<CatalogEntry, Standing>;

/** What callers see of a definition. The fingerprint is of the definition as it came. */
export type Show = (definition: JsonObject) => JsonObject;

/**
 * Keeps the entries of lists that did not change, so that a fingerprint is taken once for each definition.
 * @param labelsOf the operator's labels of a `server/tool`
 */
export function createCatalogBuilder(
  labelsOf: (ref: string) => readonly string[] | undefined = () => undefined,
  judge: Judge = () => new Map(),
  show: Show = (definition) => definition,
): (connectors: Iterable<Connector>) => Catalog {
  const known = new WeakMap<readonly UpstreamTool[], CatalogEntry[]>();
  let version = 0;
  return (connectors) => {
    const lists: ServerList[] = [];
    const sources = new Map<Connector, readonly UpstreamTool[]>();
    let ttlMs: number | undefined;
    for (const connector of connectors) {
      const tools = connector.tools();
      let own = known.get(tools);
      if (own === undefined || own.some((entry) => entry.connector !== connector)) {
        own = tools.map((tool) => entryOf(connector, tool, labelsOf, show));
        known.set(tools, own);
      }
      sources.set(connector, tools);
      lists.push({ connector, entries: own });
      const ttl = connector.listTtlMs();
      if (ttl !== undefined && tools.length > 0) ttlMs = Math.min(ttl, ttlMs ?? ttl);
    }
    return { version: ++version, ...sorted(lists, judge(lists)), sources, ttlMs };
  };
}

function sorted(lists: readonly ServerList[], standings: ReadonlyMap<CatalogEntry, Standing>): Pick<Catalog, 'entries' | 'held' | 'noted'> {
  const all = lists.flatMap(({ entries }) => entries).sort((a, b) => (a.ref < b.ref ? -1 : 1));
  const judged = all.flatMap((entry): JudgedEntry[] => {
    const standing = standings.get(entry);
    return standing === undefined || standing.type === 'clear' ? [] : [{ ...entry, standing }];
  });
  return {
    entries: all.filter((entry) => standings.get(entry)?.type !== 'quarantined'),
    held: judged.filter(({ standing }) => standing.type === 'quarantined'),
    noted: judged.filter(({ standing }) => standing.type === 'noted'),
  };
}

function entryOf(connector: Connector, tool: UpstreamTool, labelsOf: (ref: string) => readonly string[] | undefined, show: Show): CatalogEntry {
  const ref = `${connector.id}/${tool.name}`;
  const labels = labelsOf(ref);
  const headers = paramHeaders(tool.definition['inputSchema']);
  return {
    ref,
    server: connector.id,
    tool: tool.name,
    fingerprint: fingerprint(tool.definition),
    definition: show(tool.definition),
    ...(labels === undefined ? {} : { labels }),
    connector,
    paramHeaders: headers.type === 'valid' ? headers.headers : [],
  };
}
