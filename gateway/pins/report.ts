/** Each tool beside what was reviewed of it: what `signalbox pins` speaks from. */
import type { ConnectorStatus } from '../../core/connector.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Finding, PinnedTool } from '../../core/pin.ts';
import { reviewedParts } from '../../core/tool.ts';
import { createOtherToolFinder } from '../../policies/index.ts';
import type { Box } from '../box.ts';
import type { CatalogEntry, JudgedEntry } from '../catalog/catalog.ts';
import { pinOf } from './lock-file.ts';
import type { Pins } from './pins.ts';

/** `gone`: reviewed once, and no longer offered by its server. */
export type PinState = 'pinned' | 'new' | 'changed' | 'gone';

export interface PinReport {
  readonly tool: string;
  readonly state: PinState;
  /** Absent for `gone`. */
  readonly fingerprint?: string;
  readonly definition?: JsonObject;
  /** What was reviewed, where it is another. */
  readonly reviewed?: JsonObject;
  /** Whether callers are kept from it, or it is only remarked on, and why. */
  readonly standing: 'clear' | 'noted' | 'quarantined';
  readonly cause?: string;
  readonly why?: string;
  readonly findings: readonly Finding[];
}

export interface PinsReport {
  readonly mode: string;
  readonly scan: string;
  readonly file: string;
  readonly problem?: string;
  readonly tools: readonly PinReport[];
  /** Servers whose tools cannot be judged, since they are not connected. */
  readonly away: readonly { readonly server: string; readonly problem: string }[];
}

export function pinsReport(box: Box, pins: Pins, servers: readonly ConnectorStatus[]): PinsReport {
  const { file, problem } = pins.reading();
  const { entries, held, noted } = box.catalog();
  const judged = new Map([...held, ...noted].map((entry) => [entry.ref, entry]));
  const offered = [...entries, ...held].sort((a, b) => (a.ref < b.ref ? -1 : 1));
  const others = createOtherToolFinder(offered.map(({ server, tool }) => ({ server, name: tool })));
  const refs = new Set(offered.map(({ ref }) => ref));
  const away = servers.filter(({ state }) => state !== 'ready').map(({ id, state, problem: why }) => ({ server: id, problem: why ?? state }));
  const isAway = (ref: string): boolean => away.some(({ server }) => ref.startsWith(`${server}/`));
  const gone = [...file.tools].filter(([ref]) => !refs.has(ref) && !isAway(ref)).map(([tool, { reviewed }]): PinReport => ({ tool, state: 'gone', reviewed, standing: 'clear', findings: [] }));
  const tools = offered.map((entry) => reportOf(entry, judged.get(entry.ref), file.tools.get(entry.ref), [...pins.findings(entry.definition), ...others(entry.server, entry.definition)]));
  const { pins: settings, scan } = box.settings;
  return { mode: settings.mode, scan: scan.mode, file: file.path, ...(problem === undefined ? {} : { problem }), tools: [...tools, ...gone], away };
}

function reportOf({ ref, fingerprint, definition }: CatalogEntry, judged: JudgedEntry | undefined, pinned: PinnedTool | undefined, findings: readonly Finding[]): PinReport {
  const state = pinned === undefined ? 'new' : pinned.fingerprint === fingerprint ? 'pinned' : 'changed';
  const standing = judged?.standing;
  return {
    tool: ref,
    state,
    fingerprint,
    definition: reviewedParts(definition),
    ...(pinned === undefined || state === 'pinned' ? {} : { reviewed: pinned.reviewed }),
    standing: standing?.type ?? 'clear',
    ...(standing === undefined ? {} : { cause: standing.cause, why: standing.why }),
    findings,
  };
}

/** What would be pinned of a tool as it is now. */
export function pinNow(box: Box, ref: string): PinnedTool | undefined {
  const { entries, held } = box.catalog();
  const entry = entries.find((one) => one.ref === ref) ?? held.find((one) => one.ref === ref);
  return entry === undefined ? undefined : pinOf(entry.definition);
}
