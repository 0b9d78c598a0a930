/**
 * Every tool of every connector as a route without a public name: an immutable, versioned snapshot, taken anew when a
 * connector's list changes. Who sees what of it, and under which name, is `view.ts`.
 */
import type { Connector } from '../../core/connector.ts';
import { paramHeaders, type ParamHeader } from '../../core/param-headers.ts';
import { fingerprint, type Route, type UpstreamTool } from '../../core/tool.ts';

/** A route before a profile has named it. */
export interface CatalogEntry extends Omit<Route, 'publicName'> {
  readonly connector: Connector;
  /** Arguments that a 2026 client mirrors in headers when it calls this tool over HTTP. */
  readonly paramHeaders: readonly ParamHeader[];
}

export interface Catalog {
  readonly version: number;
  /** Sorted by `ref`. */
  readonly entries: readonly CatalogEntry[];
  /** Smallest time, in ms, that any upstream lets its list be kept; absent where none says. */
  readonly ttlMs: number | undefined;
}

/**
 * Keeps the entries of lists that did not change, so that a fingerprint is taken once for each definition.
 * @param labelsOf the operator's labels of a `server/tool`
 */
export function createCatalogBuilder(labelsOf: (ref: string) => readonly string[] | undefined = () => undefined): (connectors: Iterable<Connector>) => Catalog {
  const known = new WeakMap<readonly UpstreamTool[], CatalogEntry[]>();
  let version = 0;
  return (connectors) => {
    const entries: CatalogEntry[] = [];
    let ttlMs: number | undefined;
    for (const connector of connectors) {
      const tools = connector.tools();
      let own = known.get(tools);
      if (own === undefined || own.some((entry) => entry.connector !== connector)) {
        own = tools.map((tool) => entryOf(connector, tool, labelsOf));
        known.set(tools, own);
      }
      entries.push(...own);
      const ttl = connector.listTtlMs();
      if (ttl !== undefined && tools.length > 0) ttlMs = Math.min(ttl, ttlMs ?? ttl);
    }
    entries.sort((a, b) => (a.ref < b.ref ? -1 : 1));
    return { version: ++version, entries, ttlMs };
  };
}

function entryOf(connector: Connector, tool: UpstreamTool, labelsOf: (ref: string) => readonly string[] | undefined): CatalogEntry {
  const ref = `${connector.id}/${tool.name}`;
  const labels = labelsOf(ref);
  const headers = paramHeaders(tool.definition['inputSchema']);
  return {
    ref,
    server: connector.id,
    tool: tool.name,
    fingerprint: fingerprint(tool.definition),
    definition: tool.definition,
    ...(labels === undefined ? {} : { labels }),
    connector,
    paramHeaders: headers.type === 'valid' ? headers.headers : [],
  };
}
