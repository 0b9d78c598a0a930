/**
 * Counts of what happens on the call path: a look-up and a few additions for each call, rendered when somebody asks
 * (http/metrics-text.ts). Every series is bounded: tools that an upstream names without end are counted as one.
 */
import type { ToolCall } from '../core/call.ts';
import type { Outcome } from '../core/outcome.ts';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { Histogram, LONG_BOUNDS_MS, type HistogramReading } from '../core/histogram.ts';
import type { Origin } from '../core/origin.ts';

export interface Count {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

export interface Durations {
  readonly labels: Readonly<Record<string, string>>;
  readonly reading: HistogramReading;
}

export type Settled = 'approved' | 'denied' | 'expired';

export interface Counters {
  readonly count: (call: ToolCall, ref: string | undefined, outcome: Outcome, totalMs: number) => void;
  readonly upstream: (server: string, upstreamMs: number) => void;
  readonly guarded: (guarded: { readonly guard: string; readonly found: Readonly<Record<string, number>> }) => void;
  readonly settled: (how: Settled, waitMs: number) => void;
  read(): Reading;
}

/** By the name of a metric without its prefix; those without a series are absent from what is rendered. */
export interface Reading {
  readonly calls: Count[];
  readonly toolCalls: Count[];
  readonly callerCalls: Count[];
  readonly refusals: Count[];
  readonly findings: Count[];
  readonly total: Durations[];
  readonly upstream: Durations[];
  readonly waits: Durations[];
}

export interface CountersOptions {
  /** Whether calls are counted by caller too; asked for each call. */
  readonly countsCallers?: () => boolean;
  readonly maxToolsPerServer?: number;
}

/** Stands for every value beyond a bound; no id of a configuration begins like it. */
export const OTHER = '(other)';
/** A call of a name that leads nowhere belongs to no server. */
export const NO_SERVER = '(none)';
const MAX_TOOLS_PER_SERVER = 200;
const MAX_TOOL_LENGTH = 128;
/** References whose counts are found at once; others are taken apart for each call. */
const MAX_KNOWN = 20_000;
/** Configurations name these, but one after the other they may name many. */
const MAX_SERVERS = 500;
const MAX_RULES = 1000;
const MAX_CALLERS = 1000;
const MAX_FINDINGS = 1000;

const FACES: readonly Origin['face'][] = ['mcp', 'cli', 'stdio', 'loop', 'console'];
const CODES = Object.keys(ERRORS) as ErrorCode[];
const OUTCOMES: readonly string[] = ['completed', 'tool_error', ...CODES];
/** What became of a call, coarser. */
const ENDS = ['completed', 'tool_error', 'refused', 'waiting', 'failed'] as const;
const END_OF: Readonly<Record<Outcome['type'], number>> = { completed: 0, refused: 2, waiting: 3, failed: 4 };
const CODE_AT: ReadonlyMap<string, number> = new Map(CODES.map((code, at) => [code, at]));
const FACE_AT: ReadonlyMap<string, number> = new Map(FACES.map((face, at) => [face, at]));
const FIRST_CODE = 2;

interface OfServer {
  readonly id: string;
  /** By face, then by outcome. */
  readonly outcomes: Float64Array;
  readonly total: Histogram;
  readonly upstream: Histogram;
  readonly tools: Map<string, OfTool>;
}

interface OfTool {
  readonly server: OfServer;
  readonly tool: string;
  readonly ends: Float64Array;
}

export function createCounters({ countsCallers = () => false, maxToolsPerServer = MAX_TOOLS_PER_SERVER }: CountersOptions = {}): Counters {
  const servers = new Map<string, OfServer>();
  const tools = new Map<string, OfTool>();
  const callers = new Map<string, Float64Array>();
  const refusals = new Map<string, Float64Array>();
  // By guard, then by kind. Guards are the configuration's and kinds the program's.
  const findings = new Map<string, Map<string, number>>();
  const waits = new Map<Settled, Histogram>();

  const serverOf = (id: string): OfServer => bounded(servers, id, MAX_SERVERS, (name) => ({ id: name, outcomes: new Float64Array(FACES.length * OUTCOMES.length), total: new Histogram(), upstream: new Histogram(), tools: new Map() }));

  function toolOf(ref: string): OfTool {
    const slash = ref.indexOf('/');
    const server = serverOf(ref.slice(0, slash));
    const name = ref.slice(slash + 1);
    const isBeyond = server.tools.size >= maxToolsPerServer || name.length > MAX_TOOL_LENGTH || server.id === OTHER;
    const kept = isBeyond ? OTHER : name;
    let found = server.tools.get(kept);
    if (found === undefined) server.tools.set(kept, (found = { server, tool: kept, ends: new Float64Array(ENDS.length) }));
    if (tools.size < MAX_KNOWN) tools.set(ref, found);
    return found;
  }

  return {
    count({ origin, principal }, ref, outcome, totalMs) {
      const end = outcome.type === 'completed' && outcome.isError ? 1 : END_OF[outcome.type];
      let server: OfServer;
      if (ref === undefined) server = serverOf(NO_SERVER);
      else {
        const tool = tools.get(ref) ?? toolOf(ref);
        server = tool.server;
        add(tool.ends, end);
      }
      add(server.outcomes, (FACE_AT.get(origin.face) as number) * OUTCOMES.length + outcomeAt(outcome));
      server.total.observe(totalMs);
      if (outcome.type === 'refused') add(bounded(refusals, outcome.decision?.rule ?? '', MAX_RULES, () => new Float64Array(CODES.length)), CODE_AT.get(outcome.code) as number);
      if (countsCallers()) add(bounded(callers, principal.id, MAX_CALLERS, () => new Float64Array(ENDS.length)), end);
    },
    upstream: (server, upstreamMs) => serverOf(server).upstream.observe(upstreamMs),
    guarded({ guard, found }) {
      const ofGuard = bounded(findings, guard, MAX_FINDINGS, () => new Map<string, number>());
      for (const kind in found) ofGuard.set(kind, (ofGuard.get(kind) ?? 0) + (found[kind] as number));
    },
    settled(how, waitMs) {
      let histogram = waits.get(how);
      if (histogram === undefined) waits.set(how, (histogram = new Histogram(LONG_BOUNDS_MS)));
      histogram.observe(waitMs);
    },
    read: () => ({
      calls: [...servers.values()].flatMap(({ id, outcomes }) =>
        FACES.flatMap((face, at) => counts(OUTCOMES, outcomes.subarray(at * OUTCOMES.length, (at + 1) * OUTCOMES.length), (outcome) => ({ server: id, face, outcome }))),
      ),
      toolCalls: [...servers.values()].flatMap((server) => [...server.tools.values()].flatMap(({ tool, ends }) => counts(ENDS, ends, (end) => ({ server: server.id, tool, end })))),
      callerCalls: [...callers].flatMap(([caller, ends]) => counts(ENDS, ends, (end) => ({ caller, end }))),
      refusals: [...refusals].flatMap(([rule, codes]) => counts(CODES, codes, (code) => ({ rule, code }))),
      findings: [...findings].flatMap(([guard, kinds]) => [...kinds].map(([found, count]) => ({ labels: { guard, found }, count }))),
      total: [...servers.values()].map(({ id, total }) => ({ labels: { server: id }, reading: total })),
      upstream: [...servers.values()].filter(({ id }) => id !== NO_SERVER).map(({ id, upstream }) => ({ labels: { server: id }, reading: upstream })),
      waits: [...waits].map(([verdict, reading]) => ({ labels: { verdict }, reading })),
    }),
  };
}

function outcomeAt(outcome: Outcome): number {
  if (outcome.type === 'completed') return outcome.isError ? 1 : 0;
  return FIRST_CODE + (CODE_AT.get(outcome.type === 'waiting' ? 'approval_required' : outcome.code) as number);
}

const add = (counts: Float64Array, at: number): void => {
  counts[at] = (counts[at] as number) + 1;
};

/** The value of a name; beyond the bound, of all further names together. */
function bounded<T>(map: Map<string, T>, name: string, max: number, make: (name: string) => T): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  const kept = map.size < max ? name : OTHER;
  let value = map.get(kept);
  if (value === undefined) map.set(kept, (value = make(kept)));
  return value;
}

/** Those that are not zero. */
const counts = <N extends string>(names: readonly N[], values: Float64Array, labels: (name: N) => Record<string, string>): Count[] =>
  names.flatMap((name, at) => (values[at] === 0 ? [] : [{ labels: labels(name), count: values[at] as number }]));
