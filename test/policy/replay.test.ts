import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { canonicalJson, type JsonObject } from '../../core/json.ts';
import type { RuleSettings } from '../../core/settings.ts';
import { replay, type Draft, type Replay } from '../../gateway/policy/index.ts';
import { compileRules, createRedactor } from '../../policies/index.ts';
import { createLedger, createLedgerReader } from '../../store/index.ts';

const START = Date.UTC(2026, 6, 28);
const redactor = createRedactor({ extraNames: [] });

interface Recorded {
  readonly caller?: string;
  readonly session?: string;
  readonly tool?: string;
  readonly name?: string;
  readonly profile?: string;
  readonly args?: JsonObject;
  readonly payloads?: boolean;
  readonly effect?: 'allow' | 'ask' | 'deny';
  readonly rule?: string;
  readonly code?: string;
  readonly of?: string;
  readonly policy?: string;
  readonly kind?: 'intent' | 'refused';
  readonly time?: number;
}

/** As gateway/records.ts writes it. */
function recordOf({ caller = 'alice', session, tool, name = tool?.replace('/', '__') ?? 'x', profile, args = {}, payloads = true, effect, rule, code, of, policy = 'p', kind = effect === 'deny' || code !== undefined ? 'refused' : 'intent', time = START }: Recorded, at: number) {
  return {
    kind, time, call: `c${at}`, caller, tenant: 'default', proof: 'key', face: 'mcp', protocol: '2025-11-25', session, profile, name, tool, fingerprint: 'f',
    argsBytes: Buffer.byteLength(canonicalJson(args)), argsHmac: 'h', ...(payloads ? { args: redactor.redact(args) } : {}), config: 'c', effect, rule, policy, code, of,
  };
}

async function ledgerOf(records: Iterable<object>): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-replay-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const ledger = await createLedger({ dataDir: dir, log: silentLog });
  for (const record of records) ledger.writeSoon(record as never);
  await ledger.close();
  return dir;
}

const draftOf = (rules: RuleSettings[], more: Partial<Draft> = {}): Draft => ({ rules, labels: {}, callers: [{ id: 'alice', tenant: 'default', roles: ['dev'] }, { id: 'bob', tenant: 'default', roles: [] }], profiles: [], servers: [{ id: 'files' }], ...more });

function replayed(dir: string, draft: Draft, { sinceMs = 0, inForce = [] as RuleSettings[] } = {}): Replay {
  const reader = createLedgerReader(dir);
  try {
    return replay({ records: () => reader.after(0, 1_000_000), draft, inForce: compileRules(inForce), sinceMs });
  } finally {
    reader.close();
  }
}

const replayOf = async (calls: Recorded[], draft: Draft, options = {}): Promise<Replay> => replayed(await ledgerOf(calls.map(recordOf)), draft, options);

const inSession = (tool: string, session: string, more: Recorded = {}): Recorded => ({ tool, session, effect: 'allow', rule: 'base', ...more });
const unknown = (name: string, more: Recorded = {}): Recorded => ({ name, code: 'unknown_tool', kind: 'refused', ...more });

const origin = (path: string): Recorded => ({ tool: 'files/read', args: { path }, effect: 'allow', rule: 'base' });
const reading = (of: string | undefined): Recorded => ({ tool: 'signalbox/read_result', args: { handle: 'h' }, effect: 'allow', rule: 'base', ...(of === undefined ? {} : { of }) });

const base: RuleSettings = { id: 'base', effect: 'allow' };

test('100,000 recorded calls are replayed in well under 30 s, and exactly the changed ones are told [POLICY-2]', { timeout: 120_000 }, async () => {
  const draft = draftOf([
    { id: 'base', effect: 'allow', tools: ['files/*'] },
    { id: 'no-etc', effect: 'deny', when: "has(args.path) && args.path.startsWith('/etc')" },
    { id: 'big', effect: 'ask', when: 'has(args.amount) && args.amount > 500' },
    { id: 'bobs', effect: 'deny', callers: ['bob'], when: "has(args.token) && args.token == 'open'" },
  ]);
  const changed: number[] = [];
  const undecidable: number[] = [];
  function* calls() {
    for (let at = 0; at < 100_000; at += 1) {
      const [path, amount, caller, secret] = [at % 7 === 0 ? '/etc/passwd' : `/srv/${at}`, (at * 7919) % 1000, at % 5 === 0 ? 'bob' : 'alice', at % 11 === 0];
      const args = { path, amount, ...(secret ? { token: 'hidden' } : {}), text: 'some words of an ordinary call' };
      // What was decided then: everything allowed by "base" but amounts above 900.
      const was = amount > 900 ? 'deny' : 'allow';
      // What the draft decides, worked out without it.
      const isBobsSecret = caller === 'bob' && secret;
      const now = path.startsWith('/etc') ? 'deny' : isBobsSecret ? 'unknown' : amount > 500 ? 'ask' : 'allow';
      if (now === 'unknown') undecidable.push(at + 1);
      else if (now !== was) changed.push(at + 1);
      yield recordOf({ caller, tool: 'files/read', args, effect: was, rule: was === 'deny' ? 'no-etc' : 'base', time: START + at }, at);
    }
  }
  const dir = await ledgerOf(calls());
  const startedAt = performance.now();
  const done = replayed(dir, draft);
  const tookMs = performance.now() - startedAt;
  expect(done.calls).toBe(100_000);
  expect(done.changed.map(({ seq }) => seq)).toEqual(changed);
  expect(done.undecidable.map(({ seq }) => seq)).toEqual(undecidable);
  expect(done.otherRule).toEqual([]);
  expect(done.unchanged + done.changed.length + done.undecidable.length).toBe(100_000);
  expect(tookMs).toBeLessThan(15_000);
});

test('a change tells what was, what would be, by which rules, and with which arguments', async () => {
  const done = await replayOf([{ tool: 'files/read', args: { path: '/etc', token: 'x' }, effect: 'allow', rule: 'base' }], draftOf([base, { id: 'etc', effect: 'deny', when: "args.path == '/etc'" }]));
  expect(done.changed).toEqual([{ seq: 1, time: START, caller: 'alice', tool: 'files/read', args: { path: '/etc', token: '[redacted]' }, from: { effect: 'allow', rule: 'base' }, to: { effect: 'deny', rule: 'etc' } }]);
});

test('the same effect by another rule is no change of the decision, and is told apart', async () => {
  const done = await replayOf([{ tool: 'files/read', effect: 'allow', rule: 'old' }], draftOf([base]));
  expect([done.changed.length, done.otherRule.length, done.unchanged]).toEqual([0, 1, 0]);
});

test('a condition over an argument that was redacted, cut or not recorded makes a call undecidable, never unchanged [POLICY-3]', async () => {
  const rules = draftOf([base, { id: 'tokens', effect: 'deny', when: "has(args.token) && args.token.startsWith('x')" }]);
  const calls: Recorded[] = [{ args: { token: 'hidden' } }, { args: { path: '/tmp' } }, { args: { token: 'x' }, payloads: false }, { payloads: false }].map((call) => ({ tool: 'files/read', effect: 'allow', rule: 'base', ...call }));
  const done = await replayOf(calls, rules);
  expect(done.undecidable.map(({ seq, why }) => [seq, why.includes('"tokens"')])).toEqual([[1, true], [3, true]]);
  expect(done.unchanged).toBe(2);
});

test('a caller that is no longer configured is undecidable; the operator calls without roles', async () => {
  const devs = draftOf([{ id: 'devs', effect: 'allow', roles: ['dev'] }]);
  const done = await replayOf(['alice', 'gone', 'local'].map((caller) => ({ caller, tool: 'files/read', effect: 'allow', rule: 'devs' })), devs);
  expect(done.undecidable).toMatchObject([{ seq: 2, why: expect.stringContaining('"gone" is no longer configured') }]);
  expect(done.changed).toMatchObject([{ seq: 3, to: { effect: 'unknown' } }]);
  expect(done.unchanged).toBe(1);
});

test('what a session had touched is replayed in the order of the records, by the labels of the draft', async () => {
  const draft = draftOf([base, { id: 'leak', effect: 'deny', when: "'private' in flow.seen && 'external' in tool.labels" }], { labels: { private: ['files/*'], external: ['mail/*'] } });
  const done = await replayOf([
    inSession('mail/send', 's1'), inSession('files/read', 's1'), inSession('mail/send', 's2'), inSession('mail/send', 's1', { time: START + 10 }),
    inSession('files/read', 's3', { effect: 'deny', rule: 'base' }), inSession('mail/send', 's3', { time: START + 10 }),
  ], draft, { sinceMs: START + 5 });
  expect(done.calls).toBe(2);
  expect(done.changed.map(({ seq, to }) => [seq, to.rule])).toEqual([[4, 'leak']]);
  expect(done.unchanged).toBe(1);
});

test('a name that led nowhere is traced to the tool that others found, and undecidable where none did', async () => {
  const calls = [unknown('files__write', { caller: 'bob' }), unknown('files__nothing'), unknown('nonsense'), { tool: 'files/write', effect: 'allow' as const, rule: 'base' }];
  const done = await replayOf(calls, draftOf([base]));
  expect(done.changed).toMatchObject([{ seq: 1, tool: 'files/write', from: { effect: 'unknown' }, to: { effect: 'allow', rule: 'base' } }]);
  expect(done.undecidable).toMatchObject([{ seq: 2, why: expect.stringContaining('whether there was such a tool') }]);
  expect(done.unchanged).toBe(2);
  const inForce = [base];
  const there = await replayOf([unknown('files__nothing', { policy: compileRules(inForce).hash.slice(0, 16) })], draftOf(inForce), { inForce });
  expect(there.unchanged).toBe(1);
});

test('reading on in a result is replayed as the call that it came of', async () => {
  const rules: RuleSettings[] = [base, { id: 'no-etc', effect: 'deny', when: "has(args.path) && args.path == '/etc'" }, { id: 'asked', effect: 'ask', when: "has(args.path) && args.path == '/ask'" }];
  const done = await replayOf([origin('/etc'), origin('/tmp'), origin('/ask'), reading('c0'), reading('c1'), reading('c2'), reading(undefined)], draftOf(rules));
  expect(done.changed.map(({ seq, to }) => [seq, to.effect])).toEqual([[1, 'deny'], [3, 'ask'], [4, 'deny']]);
  expect(done.otherRule.map(({ seq, to }) => [seq, to.rule])).toEqual([[6, 'asked']]);
  expect(done.undecidable.map(({ seq }) => seq)).toEqual([7]);
  expect(done.unchanged).toBe(2);
});

test('calls that were refused before any rule are counted apart', async () => {
  const done = await replayOf([{ tool: 'files/read', code: 'invalid_params', kind: 'refused' }, { tool: 'files/read', effect: 'ask', rule: 'base', code: 'approval_required', kind: 'refused' }], draftOf([base]));
  expect(done.notDecided).toBe(1);
  expect(done.changed).toMatchObject([{ seq: 2, from: { effect: 'ask', rule: 'base' }, to: { effect: 'allow' } }]);
});
