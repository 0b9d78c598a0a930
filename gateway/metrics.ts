/** Counts of what happened on the call path, cheap enough to keep for every call; rendered when somebody asks. */
import type { Outcome, ToolCall } from '../core/call.ts';

export interface CallCount {
  readonly tool: string;
  readonly outcome: string;
  count: number;
  seconds: number;
}

/** What a guard found in results. */
export interface GuardCount {
  readonly guard: string;
  readonly found: string;
  count: number;
}

export interface Counters {
  readonly count: (call: ToolCall, ref: string | undefined, outcome: Outcome, totalMs: number) => void;
  readonly calls: () => Iterable<CallCount>;
  readonly guarded: (guarded: { readonly guard: string; readonly found: Readonly<Record<string, number>> }) => void;
  readonly findings: () => Iterable<GuardCount>;
}

/** Label values are the catalog's, so they are bounded by it; names that callers invent are counted as one. */
const UNKNOWN_TOOL = '(unknown)';
const MAX_SERIES = 10_000;

export function createCounters(): Counters {
  // By tool, then by outcome.
  const series = new Map<string, Map<string, CallCount>>();
  let size = 0;
  // Guards are the configuration's and kinds the program's, so that there are few.
  const findings = new Map<string, GuardCount>();
  return {
    count(_call, ref, outcome, totalMs) {
      const tool = ref ?? UNKNOWN_TOOL;
      const label = labelOf(outcome);
      let ofTool = series.get(tool);
      let entry = ofTool?.get(label);
      if (entry === undefined) {
        if (size >= MAX_SERIES) return;
        size++;
        if (ofTool === undefined) series.set(tool, (ofTool = new Map()));
        entry = { tool, outcome: label, count: 0, seconds: 0 };
        ofTool.set(label, entry);
      }
      entry.count++;
      entry.seconds += totalMs / 1000;
    },
    guarded({ guard, found }) {
      for (const [kind, count] of Object.entries(found)) {
        const key = `${guard}\n${kind}`;
        const entry = findings.get(key);
        if (entry !== undefined) entry.count += count;
        else if (findings.size < MAX_SERIES) findings.set(key, { guard, found: kind, count });
      }
    },
    findings: () => findings.values(),
    calls: () => [...series.values()].flatMap((ofTool) => [...ofTool.values()]),
  };
}

function labelOf(outcome: Outcome): string {
  switch (outcome.type) {
    case 'completed':
      return outcome.isError ? 'tool_error' : 'completed';
    case 'waiting':
      return 'approval_required';
    default:
      return outcome.code;
  }
}
