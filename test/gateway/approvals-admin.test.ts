/** Who may see and decide what over the admin API: the operator, and callers whose role approves, by their own key. */
import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { startUpstream } from '../support/upstream.ts';
import { ALICE_KEY, BOB_KEY, bodyOf, call, CALLERS, decide, LEAD_KEY, look, OTHER_KEY, waiting } from './approvals-support.ts';

async function world(approvers?: string[]): Promise<TestGateway> {
  const up = await startUpstream();
  const rules = [
    { id: 'ask', effect: 'ask', ...(approvers === undefined ? {} : { approvers }), when: '!has(args.mine)' },
    { id: 'self', effect: 'ask', when: 'has(args.mine)' },
  ];
  return startGateway({ servers: { up: up.server }, callers: CALLERS, rules });
}

test('where roles approve, nobody approves a call of their own: not by key, not through the operator [APPROVAL-7]', async () => {
  const gateway = await world(['lead']);
  const id = await waiting(call(gateway, { n: 1 }, { as: 'alice' }));
  for (const reply of [await decide(gateway, id, { verdict: 'approve' }, ALICE_KEY), await decide(gateway, id, { verdict: 'approve', as: 'alice' })]) {
    expect([reply.status, bodyOf(reply).error]).toEqual([403, { code: 'forbidden', message: 'Nobody approves a call of their own; another caller of the same tenant with the role "lead" may.' }]);
  }
  const reply = await decide(gateway, id, { verdict: 'approve' }, LEAD_KEY);
  expect([reply.status, bodyOf(reply).approval]).toMatchObject([200, { state: 'approved', decidedBy: 'lead' }]);
  expect(await call(gateway, { n: 1 }, { as: 'alice' })).toMatchObject({ type: 'completed' });
  expect(await gateway.record('the decision', ({ kind }) => kind === 'approval')).toMatchObject({ by: 'lead', byTenant: 'default', proof: 'key', proofId: 'config', caller: 'alice' });
});

test('only a caller of the same tenant with a role that the rule names approves; the operator says as which one it decides [APPROVAL-7]', async () => {
  const gateway = await world(['lead']);
  const id = await waiting(call(gateway, { n: 1 }, { as: 'bob' }));
  const refusals = [
    [await decide(gateway, id, { verdict: 'approve' }, BOB_KEY), 403, 'denied'],
    [await decide(gateway, id, { verdict: 'approve' }, OTHER_KEY), 404, 'unknown'],
    [await decide(gateway, id, { verdict: 'approve', as: 'bob' }, LEAD_KEY), 400, 'invalid_params'],
    [await decide(gateway, id, { verdict: 'approve' }), 403, 'forbidden'],
    [await decide(gateway, id, { verdict: 'approve', as: 'bob' }), 403, 'forbidden'],
    [await decide(gateway, id, { verdict: 'approve', as: 'other' }), 403, 'forbidden'],
    [await decide(gateway, id, { verdict: 'approve', as: 'nobody' }), 400, 'invalid_params'],
  ] as const;
  for (const [reply, status, code] of refusals) expect([reply.status, bodyOf(reply).error.code]).toEqual([status, code]);
  expect(bodyOf(await decide(gateway, id, { verdict: 'approve' })).error.message).toContain('--as CALLER');
  expect((await decide(gateway, id, { verdict: 'approve', as: 'lead' })).status).toBe(200);
  expect(await call(gateway, { n: 1 }, { as: 'bob' })).toMatchObject({ type: 'completed' });
});

test('what waits for the person at the client is for the operator of this machine, and for no key, the caller\'s own included [APPROVAL-7]', async () => {
  const gateway = await world(['lead']);
  const id = await waiting(call(gateway, { mine: true }, { as: 'alice' }));
  for (const key of [ALICE_KEY, LEAD_KEY]) expect((await decide(gateway, id, { verdict: 'approve' }, key)).status).toBe(404);
  expect((await decide(gateway, id, { verdict: 'approve', as: 'lead' })).status).toBe(403);
  expect((await decide(gateway, id, { verdict: 'approve', as: 'alice' })).status).toBe(200);
});

test('without configured callers nobody but the operator decides', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, approvals: { wait: '0s' }, rules: [{ id: 'ask', effect: 'ask' }] });
  const client = gateway.client();
  await client.call('up__echo');
  const [{ id }] = bodyOf(await look(gateway)).approvals as [{ id: string }];
  expect((await decide(gateway, id, { verdict: 'approve' }, 'none')).status).toBe(403);
  expect((await decide(gateway, id, { verdict: 'approve' })).status).toBe(200);
});

test('a caller sees what its role may decide and nothing else, and no other admin route opens to it', async () => {
  const gateway = await world(['lead']);
  const ofBob = await waiting(call(gateway, { n: 1 }, { as: 'bob', session: 'a-session' }));
  const ofOther = await waiting(call(gateway, { n: 1 }, { as: 'other' }));
  await waiting(call(gateway, { mine: 1 }, { as: 'bob' }));
  const ids = async (key?: string): Promise<string[]> => (bodyOf(await look(gateway, '?state=pending', key)).approvals as { id: string }[]).map(({ id }) => id);
  expect(await ids(LEAD_KEY)).toEqual([ofBob]);
  expect(await ids(OTHER_KEY)).toEqual([ofOther]);
  expect(await ids()).toHaveLength(3);
  expect((await look(gateway, `/${ofOther}`, LEAD_KEY)).status).toBe(404);
  expect((await look(gateway, '', BOB_KEY)).status).toBe(403);
  for (const { text } of [await look(gateway, `/${ofBob}`), await look(gateway), await look(gateway, `/${ofBob}`, LEAD_KEY)]) expect(text).not.toContain('a-session');
  for (const path of ['/status', '/keys', '/lease', '/approvals/../keys', '/approvals%2f..%2fkeys']) {
    const reply = await send(`${gateway.url}/admin${path}`, { method: 'GET', headers: { authorization: `Bearer ${LEAD_KEY}` } });
    expect([403, 404], path).toContain(reply.status);
    expect(reply.text).not.toContain('"keys"');
  }
});

test('a verdict that makes no sense is refused in words, and changes nothing', async () => {
  const gateway = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  const wrong: [object, string][] = [
    [{}, 'verdict'],
    [{ verdict: 'maybe' }, 'verdict'],
    [{ verdict: 'approve', note: 'x' }, 'note'],
    [{ verdict: 'deny', arguments: {} }, 'arguments'],
    [{ verdict: 'approve', arguments: [1] }, 'arguments'],
    [{ verdict: 'deny', note: 'x'.repeat(2001) }, 'note'],
    [{ verdict: 'approve', args: {} }, 'args'],
    [{ verdict: 'approve', as: 1 }, 'as'],
    [[], 'JSON object'],
  ];
  for (const [body, word] of wrong) {
    const reply = await decide(gateway, id, body);
    expect(reply.status).toBe(400);
    expect(bodyOf(reply).error.message).toContain(word);
  }
  expect(bodyOf(await look(gateway, `/${id}`)).approval.state).toBe('pending');
  expect((await decide(gateway, `ap_${'0'.repeat(32)}`, { verdict: 'approve' })).status).toBe(404);
  expect((await look(gateway, '?state=open')).status).toBe(400);
});

test('requests are bounded for each caller: one more is refused in words, and others are not held up by it', async () => {
  const gateway = await world();
  for (let n = 0; n < 50; n++) await waiting(call(gateway, { n }));
  expect(await call(gateway, { n: 50 })).toMatchObject({ type: 'refused', code: 'rate_limited', message: expect.stringContaining('50 calls of this caller wait') });
  await waiting(call(gateway, { n: 49 }));
  await waiting(call(gateway, { n: 50 }, { as: 'bob' }));
});
