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
import { compileLabels } from '../policies/index.ts';
import { createCatalogBuilder, type Catalog } from './catalog/catalog.ts';
import { createView, type View } from './catalog/view.ts';

export interface Box {
  readonly settings: Settings;
  readonly rules: Rules;
  readonly limiter: Limiter;
  readonly budgets: Budgets;
  /** Absent where nothing is labelled. */
  readonly flow: Flow | undefined;
  readonly connectors: ReadonlyMap<string, Connector>;
  redact(value: JsonValue): JsonValue;
  catalog(): Catalog;
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
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly redact: (value: JsonValue) => JsonValue;
}

/** Views kept of one profile; each is what one caller sees. */
const MAX_VIEWS = 512;

export function createBox(parts: BoxParts): Box & { catalogChanged(): void } {
  const { settings, rules, connectors } = parts;
  const build = createCatalogBuilder(compileLabels(settings.labels));
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
    return createView(current(), profile, (entry) =>
      rules.mayAllow({ principal, route: { ...entry, publicName: entry.ref }, profile: profileId }),
    );
  }

  return {
    ...parts,
    settled,
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
    catalogChanged() {
      catalog = undefined;
      views.clear();
    },
  };
}

/** A caller with a list of profiles sees those and nothing else; the unnamed whole is not among them. */
const isOpen = (open: readonly string[], profile: string | undefined): boolean =>
  profile !== undefined && open.includes(profile);
