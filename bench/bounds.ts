/** The bounds that a run is held against. Figures in, verdicts out; docs/benchmark.md says where each comes from. */
import type { CallsResult, CallsRow, Side } from './calls.ts';
import type { ColdStarts, ListResult, ListSide } from './catalog.ts';
import { ERAS, type Era } from './fixtures/requests.ts';
import { median } from './fixtures/statistics.ts';
import { TRANSPORTS, type Transport } from './plan.ts';

export interface Results {
  readonly calls: Readonly<Record<Transport, CallsResult>>;
  /** Absent in a calibration: a pass-through has no catalog. */
  readonly coldStarts?: ColdStarts;
  readonly list?: ListResult;
}

export interface Bound {
  readonly name: string;
  readonly measured: number;
  readonly limit: number;
  readonly unit: string;
  readonly pass: boolean;
}

/** Share of what the pass-through to an HTTP upstream costs. */
const MAX_ADDED_CPU = 0.6;
/** With everything on that looks at a call. */
const MAX_INTERLOCKED_CPU = 0.8;
const MAX_ADDED_SYNCS = 2;
const MAX_MEMORY_MB = 160;
const MAX_CATALOG_RATIO = 1.2;

const bound = (name: string, measured: number, limit: number, unit: string): Bound => ({
  name,
  measured,
  limit,
  unit,
  pass: measured <= limit,
});

export function checkBounds(results: Results, interlocked = false): Bound[] {
  if (interlocked) return callBounds(results.calls, MAX_INTERLOCKED_CPU).filter(({ name }) => name.startsWith('CPU'));
  return [...callBounds(results.calls, MAX_ADDED_CPU), ...memoryBounds(results), ...catalogBounds(results)];
}

function callBounds(calls: Results['calls'], maxAddedCpu: number): Bound[] {
  const row = (transport: Transport, era: Era, concurrency: number, side: Side): CallsRow => {
    const found = calls[transport].rows.find(
      (one) => one.era === era && one.concurrency === concurrency && one.side === side,
    );
    if (found === undefined) throw new Error(`no figures for ${side}, ${transport}, era ${era}, concurrency ${concurrency}`);
    return found;
  };
  const bounds: Bound[] = [];
  for (const transport of TRANSPORTS) {
    for (const era of ERAS) {
      const signalbox = row(transport, era, 1, 'signalbox').p50Us;
      const passThrough = row(transport, era, 1, 'pass-through').p50Us;
      const limit = MAX_ADDED_SYNCS * median(calls[transport].fdatasyncUs);
      bounds.push(bound(`p50 added at 1, ${transport} upstream, era ${era}`, signalbox - passThrough, limit, 'us'));
    }
    for (const concurrency of [16, 64]) {
      for (const era of ERAS) {
        const signalbox = row(transport, era, concurrency, 'signalbox').cpuUsPerOperation;
        const passThrough = row(transport, era, concurrency, 'pass-through').cpuUsPerOperation;
        const limit = maxAddedCpu * row('http', era, concurrency, 'pass-through').cpuUsPerOperation;
        const name = `CPU added per call at ${concurrency}, ${transport} upstream, era ${era}`;
        bounds.push(bound(name, signalbox - passThrough, limit, 'us'));
      }
    }
  }
  return bounds;
}

function memoryBounds({ calls, list }: Results): Bound[] {
  const bounds = TRANSPORTS.map((transport) =>
    bound(`memory after the calls, ${transport} upstream`, calls[transport].memory.signalbox.residentMb, MAX_MEMORY_MB, 'MB'),
  );
  if (list !== undefined) bounds.push(bound('memory after the lists', list.memory.residentMb, MAX_MEMORY_MB, 'MB'));
  return bounds;
}

function catalogBounds({ coldStarts, list }: Results): Bound[] {
  const bounds: Bound[] = [];
  if (list !== undefined) {
    for (const era of ERAS) {
      const ratio = (figure: 'p50Us' | 'cpuUsPerOperation'): number => {
        const of = (side: ListSide): number => list.rows.find((one) => one.era === era && one.side === side)?.[figure] ?? Number.NaN;
        return of('signalbox') / of('bare');
      };
      bounds.push(bound(`list of 1,000 tools, p50 over bare, era ${era}`, ratio('p50Us'), MAX_CATALOG_RATIO, 'x'));
      bounds.push(bound(`list of 1,000 tools, CPU over bare, era ${era}`, ratio('cpuUsPerOperation'), MAX_CATALOG_RATIO, 'x'));
    }
  }
  if (coldStarts !== undefined) {
    const ratio = median(coldStarts.signalboxMs) / median(coldStarts.bareMs);
    bounds.push(bound('cold start with 10 stdio servers, over bare', ratio, MAX_CATALOG_RATIO, 'x'));
  }
  return bounds;
}
