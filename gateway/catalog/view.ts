/**
 * The catalog as one principal sees it in one profile: public names, and the list as bytes, serialised once.
 * What is not in here does not exist for that principal.
 */
import { sha256Hex, type JsonObject } from '../../core/json.ts';
import { compilePatterns } from '../../core/pattern.ts';
import type { ProfileSettings } from '../../core/settings.ts';
import type { Route } from '../../core/tool.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';
import { plainName, prefixedName } from './names.ts';

export interface ViewRoute extends Route, Pick<CatalogEntry, 'connector' | 'paramHeaders' | 'reads'> {}

export interface Page {
  /** `[{...}, ...]` as UTF-8 JSON. */
  readonly tools: Buffer;
  readonly nextCursor: string | undefined;
}

export interface View {
  readonly routes: ReadonlyMap<string, ViewRoute>;
  /** Changes when, and only when, the list that this view shows changes. */
  readonly signature: string;
  /** Whether anything was left out, so that the list is this principal's own. */
  readonly filtered: boolean;
  readonly ttlMs: number | undefined;
  /** @returns undefined for a cursor that this server did not make */
  page(cursor: string | undefined): Page | undefined;
}

/** The tool that reads on in results that were cut: there where any may be. */
export interface ReadingTool {
  readonly entry: CatalogEntry;
  readonly mayCut: (entry: CatalogEntry) => boolean;
}

/** Tools on one page of a list. */
export const PAGE_SIZE = 1000;

/**
 * @param sees whether the principal may know of this tool at all
 */
export function createView(
  catalog: Catalog,
  profile: ProfileSettings | undefined,
  sees: (entry: CatalogEntry) => boolean,
  reading?: ReadingTool,
): View {
  const inProfile = profileFilter(profile);
  const seen = catalog.entries.filter((entry) => inProfile(entry.ref) && sees(entry));
  const cut = reading === undefined ? [] : seen.filter(reading.mayCut);
  // Results that are cut do not have the form that an outputSchema promises.
  const entries = reading === undefined || cut.length === 0 ? seen : [...seen.map((entry) => (cut.includes(entry) ? withoutOutputSchema(entry) : entry)), reading.entry];
  const names = nameAll(entries, profile);
  const routes = new Map<string, ViewRoute>();
  for (const [index, entry] of entries.entries()) {
    const name = names[index] as string;
    // A server can seek two names with one short hash, at the cost of seconds: the first in order is the tool, the other is none.
    if (!routes.has(name)) routes.set(name, toRoute(entry, name, profile));
  }
  const sorted = [...routes.values()].sort((a, b) => (a.publicName < b.publicName ? -1 : 1));
  const pages = new Map<string, Page>();
  let signature: string | undefined;
  return {
    routes,
    filtered: seen.length < catalog.entries.length || cut.length > 0,
    ttlMs: catalog.ttlMs,
    get signature() {
      return (signature ??= sha256Hex(sorted.map((route) => `${route.publicName}\0${JSON.stringify(route.definition)}`).join('\n')));
    },
    page(cursor) {
      const after = cursor === undefined ? '' : decodeCursor(cursor);
      if (after === undefined) return undefined;
      let page = pages.get(after);
      if (page === undefined) {
        page = renderPage(sorted, after);
        // Cursors come from outside: only those that the list itself leads to are worth keeping.
        if (after === '' || routes.has(after)) pages.set(after, page);
      }
      return page;
    },
  };
}

function withoutOutputSchema(entry: CatalogEntry): CatalogEntry {
  if (!Object.hasOwn(entry.definition, 'outputSchema')) return entry;
  const { outputSchema: _promised, ...definition } = entry.definition;
  return { ...entry, definition };
}

function profileFilter(profile: ProfileSettings | undefined): (ref: string) => boolean {
  if (profile === undefined) return () => true;
  const included = compilePatterns(profile.include);
  const excluded = compilePatterns(profile.exclude);
  return (ref) => included(ref) && !excluded(ref);
}

/** Names in the order of `entries`: an override, else the plain name where it is unique, else the prefixed one. */
function nameAll(entries: readonly CatalogEntry[], profile: ProfileSettings | undefined): string[] {
  const prefixed = entries.map((entry) => prefixedName(entry.server, entry.tool));
  if (profile === undefined) return prefixed;
  const wanted = entries.map((entry, index) => {
    const override = overrideOf(profile, entry.ref)?.name;
    if (override !== undefined) return override;
    return profile.names === 'plain' && entry.reads === undefined ? plainName(entry.server, entry.tool) : (prefixed[index] as string);
  });
  const count = new Map<string, number>();
  for (const name of wanted) count.set(name, (count.get(name) ?? 0) + 1);
  const taken = new Set(prefixed);
  return wanted.map((name, index) => {
    const own = prefixed[index] as string;
    // A name that two tools want, or that is another's prefixed one, is nobody's.
    return count.get(name) === 1 && (name === own || !taken.has(name)) ? name : own;
  });
}

const overrideOf = (profile: ProfileSettings, ref: string) =>
  Object.hasOwn(profile.tools, ref) ? profile.tools[ref] : undefined;

function toRoute(entry: CatalogEntry, publicName: string, profile: ProfileSettings | undefined): ViewRoute {
  const override = profile === undefined ? undefined : overrideOf(profile, entry.ref);
  const definition: JsonObject = { ...entry.definition, name: publicName };
  if (override?.title !== undefined) definition['title'] = override.title;
  if (override?.description !== undefined) definition['description'] = override.description;
  return { ...entry, publicName, definition };
}

function renderPage(sorted: readonly ViewRoute[], after: string): Page {
  const start = after === '' ? 0 : sorted.findIndex((route) => route.publicName > after);
  const shown = start === -1 ? [] : sorted.slice(start, start + PAGE_SIZE);
  const last = shown.at(-1);
  const more = last !== undefined && last !== sorted.at(-1);
  return {
    tools: Buffer.from(JSON.stringify(shown.map((route) => route.definition)), 'utf8'),
    nextCursor: more ? encodeCursor(last.publicName) : undefined,
  };
}

/** A cursor names the last tool shown, so that it stays right while tools come and go. */
const encodeCursor = (name: string): string => Buffer.from(`after:${name}`, 'utf8').toString('base64url');

function decodeCursor(cursor: string): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  return text.startsWith('after:') && text.length > 6 && encodeCursor(text.slice(6)) === cursor ? text.slice(6) : undefined;
}
