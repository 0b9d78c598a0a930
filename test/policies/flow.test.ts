import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FlowStore } from '../../core/flow.ts';
import { compileLabels, createFlow, type FlowOptions } from '../../policies/index.ts';
import { createFlowStore } from '../../store/index.ts';

const MINUTE = 60_000;

interface Way {
  readonly caller?: string;
  readonly session?: string;
  readonly profile?: string;
}

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-flow-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Box {
  store: FlowStore;
  clock: { now: number; wall: number };
  open: Set<string>;
  flow: ReturnType<typeof createFlow>;
  visit(way?: Way): ReturnType<ReturnType<typeof createFlow>['enter']>;
  /** A whole call; answers what it saw before. */
  call(way: Way, ...labels: string[]): readonly string[];
}

function box(dir = newDir(), more: Partial<FlowOptions> = {}, clock = { now: 0, wall: Date.UTC(2026, 6, 28) }): Box {
  const store = createFlowStore(dir);
  const open = new Set<string>();
  const flow = createFlow({ store, openSessions: () => Array.from(open, (id) => ({ id })), now: () => clock.now, wallClock: () => clock.wall, ...more });
  const visit: Box['visit'] = ({ caller = 'alice', session, profile } = {}) =>
    flow.enter({ principal: { id: caller, tenant: 't', roles: [], proof: 'key' }, origin: { face: 'mcp', sessionId: session }, profile });
  const call: Box['call'] = (way, ...labels) => {
    const one = visit(way);
    const seen = one.seen();
    if (labels.length > 0) one.touch(labels);
    one.leave();
    return seen;
  };
  return { store, clock, open, flow, visit, call };
}

test('what a session touched is known to its next call, and to no other session, caller or profile', () => {
  const { call } = box();
  expect(call({ session: 's1' }, 'private')).toEqual([]);
  expect(call({ session: 's1' }, 'external')).toEqual(['private']);
  expect(call({ session: 's1' })).toEqual(['external', 'private']);
  for (const other of [{ session: 's2' }, { caller: 'bob', session: 's1' }, { profile: 'p' }, {}]) expect(call(other)).toEqual([]);
});

test('a call under way has touched already for one that begins beside it [FLOW-1]', () => {
  const { visit } = box();
  const [read, send] = [visit(), visit()];
  expect(send.seen()).toEqual([]);
  read.touch(['private']);
  expect(send.seen()).toEqual(['private']);
});

test('a run without a session ends after 30 minutes without a call, and not while one is under way', () => {
  const { call, visit, clock } = box();
  call({}, 'private');
  clock.now += 29 * MINUTE;
  expect(call({})).toEqual(['private']);
  clock.now += 29 * MINUTE;
  const long = visit();
  clock.now += 90 * MINUTE;
  expect(call({})).toEqual(['private']);
  clock.now += 90 * MINUTE;
  long.leave();
  clock.now += 29 * MINUTE;
  expect(call({})).toEqual(['private']);
  clock.now += 31 * MINUTE;
  expect(call({})).toEqual([]);
});

test('a session remembers for as long as it is open, however quiet', () => {
  const { call, clock, open } = box();
  open.add('s');
  call({ session: 's' }, 'private');
  clock.now += 24 * 60 * MINUTE;
  expect(call({ session: 's' })).toEqual(['private']);
});

test('a restart forgets nothing: runs go on, and what sessions touched counts for their caller [FLOW-2]', () => {
  const dir = newDir();
  const before = box(dir);
  before.call({ session: 's1' }, 'private');
  before.call({ profile: 'p' }, 'untrusted');
  before.flow.close();
  const after = box(dir);
  expect(after.call({ session: 'new' })).toEqual(['private']);
  expect(after.call({ profile: 'p' })).toEqual(['private', 'untrusted']);
  expect(after.call({ caller: 'bob' })).toEqual([]);
  // Killed this time: nothing says when.
  const again = box(dir, {}, { now: 0, wall: Date.UTC(2030, 0, 1) });
  expect(again.call({ profile: 'p' })).toEqual(['private', 'untrusted']);
  again.clock.now += 31 * MINUTE;
  expect(again.call({ profile: 'p' }, 'external')).toEqual([]);
  again.flow.close();
  const long = box(dir, {}, { now: 0, wall: again.clock.wall + 31 * MINUTE });
  expect(long.call({ profile: 'p' })).toEqual([]);
});

test('whatever is called, evicted and restarted: what a run has touched and not outlived is seen [FLOW-2]', () => {
  const step = fc.record({ caller: fc.constantFrom('alice', 'bob'), run: fc.nat(12), label: fc.constantFrom('a', 'b', 'c', undefined), restart: fc.nat(25) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const dir = mkdtempSync(join(tmpdir(), 'signalbox-flow-'));
      try {
        let it = box(dir, { maxRuns: 5 });
        const truth = new Map<string, Set<string>>();
        for (const { caller, run, label, restart } of steps) {
          if (restart === 0) it = box(dir, { maxRuns: 5 });
          const session = `s${run}`;
          it.open.add(session);
          const key = `${caller} ${session}`;
          const own = truth.get(key) ?? new Set();
          truth.set(key, own);
          const seen = it.call({ caller, session }, ...(label === undefined ? [] : [label]));
          for (const touched of own) expect(seen).toContain(touched);
          if (label !== undefined) own.add(label);
          it.clock.now += MINUTE;
          expect(it.flow.size).toBeLessThanOrEqual(6);
        }
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});

test('sessions that have ended make room before others have to', () => {
  const { call, open, flow } = box(newDir(), { maxRuns: 10 });
  open.add('kept');
  call({ session: 'kept' }, 'private');
  for (let at = 0; at < 100; at += 1) call({ session: `gone${at}` }, 'untrusted');
  expect(flow.size).toBeLessThanOrEqual(10);
  expect(call({ session: 'kept' })).toEqual(['private']);
  expect(call({ session: 'fresh' })).toEqual([]);
});

test('it is written when, and only when, a label is new to a run', () => {
  const it = box();
  let writes = 0;
  const counting: FlowStore = { ...it.store, write: (...what) => { writes += 1; it.store.write(...what); } };
  const flow = createFlow({ store: counting, openSessions: () => [] });
  const call = (...labels: string[]) => {
    const visit = flow.enter({ principal: { id: 'a', tenant: 't', roles: [], proof: 'key' }, origin: { face: 'mcp' }, profile: undefined });
    visit.touch(labels);
    visit.leave();
  };
  for (const labels of [['x'], ['x'], [], ['x', 'y'], ['y']]) call(...labels);
  expect(writes).toBe(2);
});

test('a touch that cannot be kept throws, and nothing is taken for kept', () => {
  const it = box();
  let broken = true;
  const flow = createFlow({ store: { ...it.store, write: (...what) => { if (broken) throw new Error('disk full'); it.store.write(...what); } }, openSessions: () => [] });
  const visit = flow.enter({ principal: { id: 'a', tenant: 't', roles: [], proof: 'key' }, origin: { face: 'mcp' }, profile: undefined });
  expect(() => visit.touch(['private'])).toThrow('disk full');
  expect(visit.seen()).toEqual([]);
  broken = false;
  visit.touch(['private']);
  expect(visit.seen()).toEqual(['private']);
});

test('labels are a function of server/tool, sorted', () => {
  const labelsOf = compileLabels({ untrusted: ['web/*', '*/fetch'], private: ['files/*', 'web/secret'] });
  expect(labelsOf('web/secret')).toEqual(['private', 'untrusted']);
  expect(labelsOf('files/fetch')).toEqual(['private', 'untrusted']);
  expect(labelsOf('other/x')).toBeUndefined();
});
