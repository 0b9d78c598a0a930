/**
 * The signal box: everything that a call is decided by, as one immutable snapshot of configuration. A call finishes
 * under the box that it began with; a reload makes a new one.
 */
import type { Connector } from '../core/connector.ts';
import type { Rules } from '../core/decision.ts';
import type { Flow } from '../core/flow.ts';
import type { JsonValue } from '../core/json.ts';
import type { Budgets, Limiter } from '../core/lease.ts';
import type { Principal } from '../core/principal.ts';
import type { Settings } from '../core/settings.ts';
import { compileLabels, type ResultGuards } from '../policies/index.ts';
import type { Arguments } from './arguments.ts';
import { createCatalogBuilder, type Catalog, type CatalogEntry, type Judge, type Show } from './catalog/catalog.ts';
import type { Tracer } from './tracing/index.ts';
import { createView, type ReadingTool, type View } from './catalog/view.ts';

export interface Box {
  readonly settings: Settings;
  readonly rules: Rules;
  readonly limiter: Limiter;
  readonly budgets: Budgets;
  /** Absent where nothing is labelled. */
  readonly flow: Flow | undefined;
  /** Absent where arguments are not checked. */
  readonly arguments: Arguments | undefined;
  readonly guards: ResultGuards;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Absent where calls are not traced. */
  readonly tracer: Tracer | undefined;
  redact(value: JsonValue): JsonValue;
  catalog(): Catalog;
  /** How old a list of tools may be when a call is let through, in ms; absent where that is not looked at. */
  readonly recheckMs: number | undefined;
  /** Has the list of a connector confirmed as of `since` (`performance.now()`). Rejects with words where it cannot be. */
  confirm(connector: Connector, since: number): Promise<void>;
  /** @returns undefined where the profile does not exist, or is not open to the principal */
  view(principal: Principal, profile: string | undefined): View | undefined;
  /** Whether each connector has connected or failed once. */
  isSettled(): boolean;
  settled: Promise<void>;
}

export interface BoxParts {
  readonly settings: Settings;
  readonly rules: Rules;
  readonly limiter: Limiter;
  readonly budgets: Budgets;
  readonly flow: Flow | undefined;
  readonly arguments: Arguments | undefined;
  readonly guards: ResultGuards;
  /** `signalbox/read_result`. */
  readonly readEntry: CatalogEntry;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly tracer: Tracer | undefined;
  readonly redact: (value: JsonValue) => JsonValue;
  readonly show?: Show;
  /** How each tool stands; absent: all are clear. */
  readonly judge?: Judge;
}

/** Views kept of one profile; each is what one caller sees. */
const MAX_VIEWS = 512;

export function createBox(parts: BoxParts): Box & { catalogChanged(): void } {
  const { settings, rules, guards, connectors } = parts;
  const build = createCatalogBuilder(compileLabels(settings.labels), parts.judge, parts.show);
  const profiles = new Map(settings.profiles.map((profile) => [profile.id, profile]));
  // By profile, then by caller.
  const views = new Map<string | undefined, Map<string, View>>();
  let catalog: Catalog | undefined;
  let isSettled = false;
  const settled = Promise.all([...connectors.values()].map((connector) => connector.settled)).then(() => {
    isSettled = true;
  });

  const current = (): Catalog => (catalog ??= build(connectors.values()));

  function makeView(principal: Principal, profileId: string | undefined): View {
    const profile = profileId === undefined ? undefined : profiles.get(profileId);
    const subjectOf = (entry: CatalogEntry) => ({ principal, route: { ...entry, publicName: entry.ref }, profile: profileId });
    const reading: ReadingTool = { entry: parts.readEntry, mayCut: (entry) => guards.capOf(subjectOf(entry)) !== undefined };
    return createView(current(), profile, (entry) => rules.mayAllow(subjectOf(entry)), guards.count === 0 ? undefined : reading);
  }

  function catalogChanged(): void {
    catalog = undefined;
    views.clear();
  }

  return {
    ...parts,
    settled,
    recheckMs: settings.pins.mode === 'enforce' ? settings.pins.recheckMs : undefined,
    async confirm(connector, since) {
      // One that was under way may have been asked for too early: then another, which all that wait share.
      for (let tries = 0; tries < 2 && connector.confirmedAt() < since; tries++) await connector.refresh();
      // A box that was replaced meanwhile is told of no changes any more.
      if (catalog !== undefined && catalog.sources.get(connector) !== connector.tools()) catalogChanged();
    },
    isSettled: () => isSettled,
    catalog: current,
    view(principal, profile) {
      if (principal.profiles !== undefined && !isOpen(principal.profiles, profile)) return undefined;
      let ofProfile = views.get(profile);
      if (ofProfile === undefined) {
        if (profile !== undefined && !profiles.has(profile)) return undefined;
        views.set(profile, (ofProfile = new Map()));
      }
      let view = ofProfile.get(principal.id);
      if (view === undefined) {
        view = makeView(principal, profile);
        if (ofProfile.size >= MAX_VIEWS) ofProfile.delete(ofProfile.keys().next().value as string);
        ofProfile.set(principal.id, view);
      }
      return view;
    },
    catalogChanged,
  };
}

/** A caller with a list of profiles sees those and nothing else; the unnamed whole is not among them. */
const isOpen = (open: readonly string[], profile: string | undefined): boolean =>
  profile !== undefined && open.includes(profile);
