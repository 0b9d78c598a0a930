/** What sessions touch, on the call path: real servers, both eras, reloads, restarts, and a disk that refuses. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool, type Upstream, type UpstreamCall } from '../support/upstream.ts';

const RULES = [
  { id: 'base', effect: 'allow' },
  { id: 'leak', effect: 'deny', when: "'private' in flow.seen && 'external' in tool.labels" },
];
const LABELS = { private: ['up/read'], external: ['up/send'] };
const TOOLS = [tool('read'), tool('send'), tool('other')];

const configOf = (up: Upstream, more: object = {}) => ({ servers: { up: up.server }, rules: RULES, labels: LABELS, ...more });

const codeOf = async (message: Promise<unknown>): Promise<unknown> => {
  const answer = (await message) as Parameters<typeof errorIn>[0];
  return answer.result?.isError === true ? errorIn(answer)['code'] : textIn(answer);
};

async function start(more: object = {}, options: Parameters<typeof startGateway>[1] = {}): Promise<{ up: Upstream; gateway: TestGateway }> {
  const up = await startUpstream({ tools: TOOLS, onCall: ({ answer }) => answer(textResult('done')) });
  return { up, gateway: await startGateway(configOf(up, more), options) };
}

test('reading something private, then sending it out, is refused, in a session, without one and in 2026 [FLOW-1]', async () => {
  const { gateway } = await start({ profiles: { a: {}, b: {} } });
  const session = await gateway.client().session();
  const other = await gateway.client().session();
  expect(await codeOf(session.call('up__send'))).toBe('done');
  expect(await codeOf(session.call('up__read'))).toBe('done');
  expect(await codeOf(session.call('up__send'))).toBe('denied');
  expect(await codeOf(session.call('up__other'))).toBe('done');
  expect(await codeOf(other.call('up__send'))).toBe('done');
  const [a, b] = [gateway.client({ profile: 'a' }), gateway.client({ profile: 'b' })];
  expect(await codeOf(a.call('up__read'))).toBe('done');
  expect(await codeOf(a.call('up__send'))).toBe('denied');
  expect(await codeOf(b.call('up__send'))).toBe('done');
});

test('of a private reading and a sending at the same time the sending is refused, or came first [FLOW-1]', async () => {
  const held: UpstreamCall[] = [];
  let holds = true;
  const up = await startUpstream({ tools: TOOLS, onCall: (call) => void (holds ? held.push(call) : call.answer(textResult('x'))) });
  const gateway = await startGateway(configOf(up));
  const session = await gateway.client().session();
  const reading = session.call('up__read');
  await until('the reading is upstream', () => held.length === 1);
  expect(await codeOf(session.call('up__send'))).toBe('denied');
  held[0]?.answer(textResult('secret'));
  await reading;
  holds = false;
  for (let round = 0; round < 20; round += 1) {
    const pair = await gateway.client().session();
    const decided = () => gateway.records().filter(({ kind, session: id }) => id === pair.id && (kind === 'intent' || kind === 'refused'));
    await Promise.all([pair.call('up__read'), pair.call('up__send')]);
    await until('both are recorded', () => decided().length === 2);
    const kinds = decided().map(({ kind, tool: ref }) => `${kind} ${String(ref)}`);
    const sentOut = kinds.indexOf('intent up/send');
    if (sentOut !== -1) expect(kinds.indexOf('intent up/read')).toBeGreaterThan(sentOut);
  }
});

test('a reload and a restart forget nothing [FLOW-2]', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-flow-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const ends: (() => Promise<void>)[] = [];
  const first = await start({}, { dataDir, atEnd: (end) => void ends.push(end) });
  const session = await first.gateway.client().session();
  await session.call('up__read');
  first.gateway.reload(configOf(first.up, { limits: [{ id: 'l', rate: '100/s' }] }));
  expect(await codeOf(session.call('up__send'))).toBe('denied');
  await ends[0]?.();
  const second = await start({}, { dataDir });
  const again = await second.gateway.client().session();
  expect(await codeOf(again.call('up__send'))).toBe('denied');
});

test('what is touched while it cannot be kept is not called [FLOW-3]', async () => {
  const { up, gateway } = await start();
  expect(await codeOf(gateway.client().call('up__other'))).toBe('done');
  const db = new Database(join(gateway.dataDir, 'flow.db'));
  try {
    db.exec('BEGIN IMMEDIATE');
    expect(await codeOf(gateway.client().call('up__read'))).toBe('ledger_unavailable');
    expect(await codeOf(gateway.client().call('up__other'))).toBe('done');
    db.exec('ROLLBACK');
  } finally {
    db.close();
  }
  expect(up.calls().map(({ params }) => params['name'])).toEqual(['other', 'other']);
  expect(await codeOf(gateway.client().call('up__read'))).toBe('done');
});

test('without labels nothing is kept, and no file is made', async () => {
  const { gateway } = await start({ labels: {} });
  await gateway.client().call('up__read');
  expect(() => chmodSync(join(gateway.dataDir, 'flow.db'), 0o600)).toThrow('ENOENT');
});

test('a record names what rules in shadow would have decided, and the call is not touched by it [POLICY-4]', async () => {
  const { gateway } = await start({ rules: [{ id: 'base', effect: 'allow' }, { id: 'draft', effect: 'deny', tools: ['up/read'], mode: 'shadow' }, { id: 'bad', effect: 'ask', when: 'args.missing == 1', mode: 'shadow' }] });
  expect(await codeOf(gateway.client().call('up__read'))).toBe('done');
  const intent = await gateway.record('an intent', ({ kind }) => kind === 'intent');
  expect(intent).toMatchObject({ effect: 'allow', rule: 'base', shadow: [{ rule: 'draft', effect: 'deny' }, { rule: 'bad', effect: 'deny' }] });
});
