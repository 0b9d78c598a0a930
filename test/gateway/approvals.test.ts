/** Calls that a person decides, on the one path: what a grant lets through, how often, and what makes it worth nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { send } from '../support/http.ts';
import { startUpstream, tool, type Upstream } from '../support/upstream.ts';
import { bodyOf, call, CALLERS, decide, stateOf, waiting } from './approvals-support.ts';

const ASK = { id: 'ask', effect: 'ask', tools: ['up/*'], reason: 'A person looks at this.' };
const config = (up: Upstream, ...rules: object[]) => ({ servers: { up: up.server }, callers: CALLERS, rules: rules.length === 0 ? [ASK] : rules });

async function world(...rules: object[]): Promise<{ up: Upstream; gateway: TestGateway }> {
  const up = await startUpstream({ tools: [tool('echo'), tool('other')] });
  return { up, gateway: await startGateway(config(up, ...rules)) };
}

const executed = (up: Upstream): unknown[] => up.calls().map(({ params }) => params['arguments']);

test('a call that a rule asks about waits, goes through once it is approved, and only once [APPROVAL-1]', async () => {
  const { up, gateway } = await world();
  const outcome = await call(gateway, { to: 'x', password: 'hunter2hunter2' });
  expect(outcome).toMatchObject({ type: 'waiting', decision: { rule: 'ask' }, request: { caller: 'alice', tool: 'up/echo', state: 'pending', args: { to: 'x', password: '[redacted]' } } });
  const id = await waiting(outcome);
  expect(outcome).toMatchObject({ message: `A person looks at this. (approval ${id})` });
  expect(await waiting(call(gateway, { password: 'hunter2hunter2', to: 'x' }))).toBe(id);
  expect((await decide(gateway, id, { verdict: 'approve' })).status).toBe(200);
  expect(executed(up)).toEqual([]);
  expect(await call(gateway, { to: 'x', password: 'hunter2hunter2' })).toMatchObject({ type: 'completed' });
  expect(await waiting(call(gateway, { to: 'x', password: 'hunter2hunter2' }))).not.toBe(id);
  expect(executed(up)).toEqual([{ to: 'x', password: 'hunter2hunter2' }]);
  expect(await stateOf(gateway, id)).toBe('used');
  const records = await until('the outcome', () => (gateway.records().some(({ kind }) => kind === 'outcome') ? gateway.records() : undefined));
  const ofThis = records.filter(({ approval }) => approval === id);
  expect(ofThis.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'approval', 'intent']);
  expect(ofThis[2]).toMatchObject({ verdict: 'approve', by: '(operator)', operator: true, caller: 'alice', tool: 'up/echo', rule: 'ask', argsHmac: ofThis[3]?.['argsHmac'] });
  expect(ofThis[3]).toMatchObject({ effect: 'ask', rule: 'ask', approvedBy: '(operator)' });
  expect(ofThis[3]).not.toHaveProperty('edited');
});

test('fifty parallel replays of one grant execute once [APPROVAL-1]', async () => {
  const { up, gateway } = await world();
  const id = await waiting(call(gateway, { to: 'x' }));
  await decide(gateway, id, { verdict: 'approve' });
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => call(gateway, { to: 'x' })));
  expect(outcomes.filter(({ type }) => type === 'completed')).toHaveLength(1);
  expect(outcomes.filter(({ type }) => type === 'waiting')).toHaveLength(49);
  expect(new Set(outcomes.map((outcome) => (outcome.type === 'waiting' ? outcome.approvalId : id))).size).toBe(2);
  expect(executed(up)).toHaveLength(1);
});

test('a grant, with the arguments that an approver wrote, survives a restart; these are on no disk in clear [APPROVAL-2]', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-approvals-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 }));
  const up = await startUpstream();
  const ends: (() => Promise<void>)[] = [];
  const first = await startGateway(config(up), { dataDir, atEnd: (close) => void ends.push(close) });
  const plain = await waiting(call(first, { n: 1 }));
  const edited = await waiting(call(first, { n: 2 }));
  const undecided = await waiting(call(first, { n: 3 }));
  await decide(first, plain, { verdict: 'approve' });
  await decide(first, edited, { verdict: 'approve', arguments: { n: 'canary-edited' } });
  for (const end of ends) await end();
  for (const name of readdirSync(dataDir)) expect(readFileSync(join(dataDir, name)).includes('canary-edited'), name).toBe(false);
  const second = await startGateway(config(up), { dataDir });
  expect(await call(second, { n: 1 })).toMatchObject({ type: 'completed' });
  expect(await call(second, { n: 2 })).toMatchObject({ type: 'completed' });
  expect(await waiting(call(second, { n: 3 }))).toBe(undecided);
  expect(await waiting(call(second, { n: 1 }))).not.toBe(plain);
  expect(executed(up)).toEqual([{ n: 1 }, { n: 'canary-edited' }]);
  const kept = new Database(join(dataDir, 'approvals.db'), { readonly: true });
  onTestFinished(() => void kept.close());
  expect(kept.prepare('SELECT state, sealed_args FROM approvals WHERE id = ?').get(edited)).toEqual({ state: 'used', sealed_args: null });
});

test('a grant counts only as far as the rules in force when the call comes again still ask for just that [APPROVAL-3]', async () => {
  const { up, gateway } = await world();
  const grant = async (args: { n: number }, as?: string): Promise<string> => {
    gateway.reload(config(up, { ...ASK, ...(as === undefined ? {} : { approvers: ['lead'] }) }));
    const id = await waiting(call(gateway, args, { as: 'bob' }));
    expect((await decide(gateway, id, { verdict: 'approve', ...(as === undefined ? {} : { as }) })).status).toBe(200);
    return id;
  };
  const now = (...rules: object[]) => {
    gateway.reload(config(up, ...rules));
  };
  await grant({ n: 1 });
  now(ASK, { id: 'no', effect: 'deny', tools: ['up/echo'] });
  expect(await call(gateway, { n: 1 }, { as: 'bob' })).toMatchObject({ type: 'refused', code: 'unknown_tool' });
  now(ASK, { id: 'no', effect: 'deny', tools: ['up/echo'], when: 'args.n == 1' });
  expect(await call(gateway, { n: 1 }, { as: 'bob' })).toMatchObject({ type: 'refused', code: 'denied', decision: { rule: 'no' } });
  const byOther = await grant({ n: 2 });
  now({ ...ASK, id: 'another' });
  expect(await waiting(call(gateway, { n: 2 }, { as: 'bob' }))).not.toBe(byOther);
  const bySelf = await grant({ n: 3 });
  now({ ...ASK, approvers: ['lead'] });
  expect(await waiting(call(gateway, { n: 3 }, { as: 'bob' }))).not.toBe(bySelf);
  const byLead = await grant({ n: 4 }, 'lead');
  gateway.reload({ ...config(up, { ...ASK, approvers: ['lead'] }), callers: CALLERS.map((caller) => (caller.id === 'lead' ? { ...caller, roles: [] } : caller)) });
  expect(await waiting(call(gateway, { n: 4 }, { as: 'bob' }))).not.toBe(byLead);
  gateway.reload({ ...config(up, { ...ASK, approvers: ['lead'] }), callers: CALLERS.filter(({ id }) => id !== 'lead') });
  expect(await waiting(call(gateway, { n: 4 }, { as: 'bob' }))).not.toBe(byLead);
  expect(executed(up)).toEqual([]);
  await grant({ n: 5 }, 'lead');
  now({ ...ASK, approvers: ['lead', 'dev'] });
  expect(await call(gateway, { n: 5 }, { as: 'bob' })).toMatchObject({ type: 'completed' });
});

test('arguments that an approver wrote are what the tool gets, and are decided by rules and limits like any [APPROVAL-4]', async () => {
  const { up, gateway } = await world(ASK, { id: 'no-etc', effect: 'deny', when: "has(args.path) && args.path == '/etc'" }, { id: 'also', effect: 'ask', when: "has(args.path) && args.path == '/also'" });
  const outcomeOf = async (path: string) => {
    const id = await waiting(call(gateway, { path: `for ${path}` }));
    await decide(gateway, id, { verdict: 'approve', arguments: { path } });
    return call(gateway, { path: `for ${path}` });
  };
  expect(await outcomeOf('/tmp')).toMatchObject({ type: 'completed' });
  expect(await outcomeOf('/etc')).toMatchObject({ type: 'refused', code: 'denied', decision: { rule: 'no-etc' } });
  expect(await outcomeOf('/also')).toMatchObject({ type: 'completed' });
  expect(executed(up)).toEqual([{ path: '/tmp' }, { path: '/also' }]);
  const intent = await gateway.record('the call', ({ kind, edited }) => kind === 'intent' && edited === true);
  const decision = await gateway.record('the decision', ({ kind, approval }) => kind === 'approval' && approval === intent['approval']);
  expect(intent).toMatchObject({ args: { path: '/tmp' }, argsHmac: decision['editedHmac'] });
  gateway.reload({ ...config(up), limits: [{ id: 'one', per: ['args.path'], rate: '1/hour' }] });
  expect(await outcomeOf('/var')).toMatchObject({ type: 'completed' });
  expect(await outcomeOf('/var')).toMatchObject({ type: 'refused', code: 'rate_limited' });
});

test('by writing other arguments nobody approves what others must approve [APPROVAL-4]', async () => {
  const { up, gateway } = await world({ ...ASK, when: "args.to == 'here'" }, { id: 'lead', effect: 'ask', approvers: ['lead'], when: "args.to == 'there'" }, { id: 'both', effect: 'ask', approvers: ['lead', 'self'], when: "args.to == 'both'" });
  const outcomeOf = async (to: string, edited: string, as?: string) => {
    const id = await waiting(call(gateway, { to }, { as: 'bob' }));
    await decide(gateway, id, { verdict: 'approve', arguments: { to: edited }, ...(as === undefined ? {} : { as }) });
    return call(gateway, { to }, { as: 'bob' });
  };
  expect(await outcomeOf('here', 'there')).toMatchObject({ type: 'refused', code: 'denied', decision: { rule: 'lead' } });
  expect(await outcomeOf('here', 'both')).toMatchObject({ type: 'completed' });
  expect(await outcomeOf('there', 'here', 'lead')).toMatchObject({ type: 'refused', code: 'denied', decision: { rule: 'ask' } });
  expect(await outcomeOf('there', 'both', 'lead')).toMatchObject({ type: 'completed' });
  expect(executed(up)).toEqual([{ to: 'both' }, { to: 'both' }]);
});

test('what was hidden from the approver cannot go to the tool as the mark that hid it', async () => {
  const { gateway } = await world();
  const id = await waiting(call(gateway, { password: 'hunter2hunter2' }));
  const reply = await decide(gateway, id, { verdict: 'approve', arguments: { password: '[redacted]' } });
  expect([reply.status, bodyOf(reply).error.code]).toEqual([400, 'invalid']);
  expect(await stateOf(gateway, id)).toBe('pending');
});

test('a number that no double holds reaches the tool as the approver wrote it', async () => {
  const { up, gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  const body = '{"verdict":"approve","arguments":{"n":12345678901234567890}}';
  await send(`${gateway.url}/admin/approvals/${id}`, { headers: { authorization: `Bearer ${gateway.operatorToken}`, 'content-type': 'application/json' }, body });
  await call(gateway, { n: 1 });
  expect(up.calls()[0]?.body).toContain('"n":12345678901234567890');
});

test('a denial is told once, with its reason; the next call asks anew', async () => {
  const { up, gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  await decide(gateway, id, { verdict: 'deny', note: 'Not on a Friday; AKIAABCDEFGHIJKLMNOP.' });
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'refused', code: 'denied', message: 'A person denied this call: Not on a Friday; [redacted].' });
  expect(await waiting(call(gateway, { n: 1 }))).not.toBe(id);
  expect(executed(up)).toEqual([]);
  expect(await gateway.record('the denial', ({ verdict }) => verdict === 'deny')).toMatchObject({ approval: id, note: 'Not on a Friday; [redacted].' });
});

test('a grant is for one caller, tool, definition of the tool, and arguments [APPROVAL-1]', async () => {
  const { up, gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  await decide(gateway, id, { verdict: 'approve' });
  for (const outcome of [call(gateway, { n: 1 }, { as: 'bob' }), call(gateway, { n: 1 }, { name: 'up__other' }), call(gateway, { n: '1' }), call(gateway, {}), call(gateway, { n: 1, more: null })]) {
    expect(await waiting(outcome)).not.toBe(id);
  }
  const before = gateway.hall.box().catalog().entries[0]?.fingerprint;
  up.setTools([tool('echo', { description: 'Does something else now.' }), tool('other')]);
  await until('the list changed', () => gateway.hall.box().catalog().entries[0]?.fingerprint !== before);
  expect(await waiting(call(gateway, { n: 1 }))).not.toBe(id);
  expect(executed(up)).toEqual([]);
  up.setTools([tool('echo'), tool('other')]);
  await until('it changed back', () => gateway.hall.box().catalog().entries[0]?.fingerprint === before);
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'completed' });
});

test('requests and grants expire: they are decided and used no more, whoever waits is told, and the ledger says so [APPROVAL-5]', async () => {
  const { up, gateway } = await world({ ...ASK, expiresIn: '400ms' });
  const { approvals } = gateway.hall.desk;
  const late = await waiting(call(gateway, { n: 1 }));
  const told = new Promise((resolve) => approvals.onDecided(late, ({ state }) => resolve(state)));
  expect(await told).toBe('expired');
  const reply = await decide(gateway, late, { verdict: 'approve' });
  expect([reply.status, bodyOf(reply).error]).toEqual([409, { code: 'settled', message: `Approval ${late} is expired already.` }]);
  const unused = await waiting(call(gateway, { n: 2 }));
  expect((await decide(gateway, unused, { verdict: 'approve' })).status).toBe(200);
  await until('the grant expired', async () => (await stateOf(gateway, unused)) === 'expired');
  expect(await waiting(call(gateway, { n: 2 }))).not.toBe(unused);
  expect(executed(up)).toEqual([]);
  expect(await gateway.record('the request', ({ verdict, approval }) => verdict === 'expire' && approval === late)).toMatchObject({ was: 'pending' });
  expect(await gateway.record('the grant', ({ verdict, approval }) => verdict === 'expire' && approval === unused)).toMatchObject({ was: 'approved' });
});

test('"session" holds for the same call within its session, "until" for its time, and neither for another call [APPROVAL-5]', async () => {
  const { up, gateway } = await world({ ...ASK, tools: ['up/echo'], remember: 'session' }, { ...ASK, id: 'other', tools: ['up/other'], remember: 'until', rememberFor: '1h' });
  const inSession = await waiting(call(gateway, { n: 1 }, { session: 's1' }));
  expect(await waiting(call(gateway, { n: 1 }, { session: 's2' }))).not.toBe(inSession);
  await decide(gateway, inSession, { verdict: 'approve' });
  for (const session of ['s1', 's1', 's1']) expect(await call(gateway, { n: 1 }, { session })).toMatchObject({ type: 'completed' });
  await waiting(call(gateway, { n: 1 }, { session: 's2' }));
  await waiting(call(gateway, { n: 1 }));
  await waiting(call(gateway, { n: 2 }, { session: 's1' }));
  gateway.hall.desk.approvals.endSession('s1');
  await waiting(call(gateway, { n: 1 }, { session: 's1' }));
  const alone = await waiting(call(gateway, { n: 3 }));
  await decide(gateway, alone, { verdict: 'approve' });
  expect(await call(gateway, { n: 3 })).toMatchObject({ type: 'completed' });
  await waiting(call(gateway, { n: 3 }));

  const name = 'up__other';
  const forTime = await waiting(call(gateway, { n: 1 }, { name }));
  await decide(gateway, forTime, { verdict: 'approve' });
  for (const session of [undefined, 's1', 's2']) expect(await call(gateway, { n: 1 }, { name, ...(session === undefined ? {} : { session }) })).toMatchObject({ type: 'completed' });
  await waiting(call(gateway, { n: 2 }, { name }));
  gateway.reload(config(up, { ...ASK, id: 'other', tools: ['up/other'] }));
  await waiting(call(gateway, { n: 1 }, { name }));
  expect(executed(up)).toHaveLength(7);
});

test('a call that waits gives back what it held of limits, so that asking costs no rate', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ ...config(up), limits: [{ id: 'one', rate: '1/hour', concurrent: 1 }] });
  const id = await waiting(call(gateway, { n: 1 }));
  await waiting(call(gateway, { n: 1 }));
  await decide(gateway, id, { verdict: 'approve', arguments: { n: 2 } });
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'completed' });
  expect(executed(up)).toEqual([{ n: 2 }]);
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'refused', code: 'rate_limited' });
});

test('while approvals cannot be written a call that needs one is refused, and goes on when they can [APPROVAL-6]', async () => {
  const { up, gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  await decide(gateway, id, { verdict: 'approve' });
  const other = new Database(join(gateway.dataDir, 'approvals.db'));
  other.exec('BEGIN IMMEDIATE');
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'refused', code: 'ledger_unavailable' });
  expect(executed(up)).toEqual([]);
  other.exec('ROLLBACK');
  other.close();
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'completed' });
});

test('a decision that the ledger does not take does not count [APPROVAL-6]', async () => {
  const { gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  const other = new Database(join(gateway.dataDir, 'ledger.db'));
  other.exec('BEGIN IMMEDIATE');
  const reply = await decide(gateway, id, { verdict: 'approve' });
  expect([reply.status, bodyOf(reply).error.code]).toEqual([503, 'unavailable']);
  expect(await stateOf(gateway, id)).toBe('pending');
  other.exec('ROLLBACK');
  other.close();
  await until('the ledger takes it', async () => (await decide(gateway, id, { verdict: 'approve' })).status === 200);
  expect(await stateOf(gateway, id)).toBe('approved');
});

test('of two decisions at once one counts, and both are told which', async () => {
  const { gateway } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  const replies = await Promise.all([decide(gateway, id, { verdict: 'approve' }), decide(gateway, id, { verdict: 'deny' })]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  const verdicts = gateway.records().filter(({ kind }) => kind === 'approval');
  expect(verdicts).toHaveLength(1);
});
