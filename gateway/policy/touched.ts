/** What sessions had touched at each recorded call, by a draft's labels: the gateway's own memory, driven by the ledger's order. */
import type { FlowStore, FlowVisit, TouchedRow } from '../../core/flow.ts';
import type { JsonObject } from '../../core/json.ts';
import { own } from '../../core/json.ts';
import { createFlow, type LabelsOf } from '../../policies/index.ts';
import type { RecordedCall } from './recorded-call.ts';

export interface TouchedReplay {
  /** Labels that were touched before this call; the call itself counts from here on, where it was made. */
  before(call: RecordedCall): readonly string[];
  /** Ends of calls, starts and stops. */
  note(body: JsonObject): void;
}

export function replayTouched(labelsOf: LabelsOf): TouchedReplay {
  const store = memoryStore();
  let nowMs = 0;
  const open = () => createFlow({ store, openSessions: () => [], now: () => nowMs, wallClock: () => nowMs, maxRuns: Infinity });
  let flow = open();
  const visits = new Map<string, FlowVisit>();
  /** Of calls that were made: reading on in a result touches what its call touched. */
  const tools = new Map<string, string>();
  // A clock that was set back must not make a run younger.
  const tick = (time: number): void => void (nowMs = Math.max(nowMs, time));
  return {
    before(call) {
      tick(call.time);
      const { caller, tenant, proof, origin, profile } = call;
      const visit = flow.enter({ principal: { id: caller, tenant, roles: [], proof }, origin, profile });
      const seen = visit.seen();
      if (!call.isMade) {
        visit.leave();
        return seen;
      }
      const tool = call.of === undefined ? call.tool : tools.get(call.of);
      if (tool !== undefined) tools.set(call.call, tool);
      visit.touch((tool === undefined ? undefined : labelsOf(tool)) ?? []);
      visits.set(call.call, visit);
      return seen;
    },
    note(body) {
      tick(Number(own(body, 'time')));
      const kind = own(body, 'kind');
      if (kind === 'outcome' || kind === 'unknown') {
        const call = String(own(body, 'call'));
        visits.get(call)?.leave();
        visits.delete(call);
      } else if (kind === 'stop') flow.close();
      else if (kind === 'start') {
        visits.clear();
        flow = open();
      }
    },
  };
}

function memoryStore(): FlowStore {
  const rows = new Map<string, TouchedRow>();
  let closedAt: number | undefined;
  return {
    load: () => [...rows.values()],
    takeClosedAt() {
      const at = closedAt;
      closedAt = undefined;
      return at;
    },
    write(add, forget) {
      for (const { tenant, caller, run } of forget) {
        for (const [key, row] of rows) if (row.tenant === tenant && row.caller === caller && row.run === run) rows.delete(key);
      }
      for (const row of add) rows.set(`${row.tenant}\0${row.caller}\0${row.run}\0${row.label}`, row);
    },
    close: (atMs) => void (closedAt = atMs),
  };
}
