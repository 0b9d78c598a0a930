/** Payloads, erasure and holds in a gateway that runs, over its admin API; and the commands where none runs. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSecret, openTenantKeys, SEARCH_FILE } from '../../store/index.ts';
import { temporaryDir } from '../store/support.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult } from '../support/upstream.ts';
import { ALICE_KEY, call, CALLERS, OTHER_KEY } from '../gateway/approvals-support.ts';
import { checked, DAY_MS, filesWith, keep, proofOf, recordsOfKind, verified, wordsIn, writeCalls } from './support.ts';

const SECRET = 'a-header-value-that-only-the-gateway-knows';
const RESULT_WORD = 'only-in-the-result-of-a-call';
const HIDDEN_WORD = 'hunter2-which-redaction-hides';

async function started(payloads: string, dataDir = temporaryDir(), audit: object = {}): Promise<TestGateway> {
  const upstream = await startUpstream({ onCall: ({ args, answer }) => answer(textResult(`${RESULT_WORD} ${SECRET} ${JSON.stringify(args)}`)) });
  const server = { ...upstream.server, headers: { authorization: 'Bearer ${env:UP_TOKEN}' } };
  const gateway = await startGateway({ servers: { up: server }, callers: CALLERS, audit: { payloads, ...audit } }, { env: { UP_TOKEN: SECRET }, dataDir });
  return gateway;
}

async function act(gateway: TestGateway, action: string, terms: object, key = gateway.operatorToken) {
  const { status, text } = await send(`${gateway.url}/admin/retention/${action}`, { headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(terms) });
  return { status, body: JSON.parse(text) as Record<string, never> & { payloads: { state: string; text?: string; tenant?: string }[]; error: { message: string }; hold: { id: string } } };
}

async function recordedCall(gateway: TestGateway, as = 'alice'): Promise<{ intent: number; outcome: number }> {
  const id = `${(await call(gateway, { path: 'seen', password: HIDDEN_WORD, token: SECRET, big: 12345678901234 }, { as })).type}`;
  expect(id).toBe('completed');
  const outcome = (await gateway.record('the outcome', ({ kind, seq }) => kind === 'outcome' && Number(seq) > 0))['seq'] as number;
  await until('its intent', () => gateway.records().some(({ kind }) => kind === 'intent'));
  const last = (kind: string): number => Number(gateway.records().findLast((record) => record.kind === kind)?.['seq']);
  await until('the last outcome', () => last('outcome') > last('intent'));
  return { intent: last('intent'), outcome: Math.max(outcome, last('outcome')) };
}

test("full payloads are whole but for the gateway's own secrets, lie encrypted beside redacted arguments, and open for the operator alone, on record [RETENTION-1] [RETENTION-3]", async () => {
  const gateway = await started('full');
  const { intent, outcome } = await recordedCall(gateway);
  expect(filesWith(gateway.dataDir, RESULT_WORD)).toEqual([]);
  expect(filesWith(gateway.dataDir, HIDDEN_WORD)).toEqual([]);
  expect(filesWith(gateway.dataDir, SECRET)).toEqual([]);
  const [begun] = recordsOfKind(gateway.dataDir, 'intent');
  expect(begun).toMatchObject({ args: { path: 'seen', password: '[redacted]' }, payload: { key: expect.stringMatching(/^tk_/) as string } });

  const opened = await act(gateway, 'payload', { seqs: [intent, outcome] });
  const [args, result] = opened.body.payloads;
  expect(JSON.parse(args?.text ?? '')).toEqual({ path: 'seen', password: HIDDEN_WORD, token: '[redacted]', big: 12345678901234 });
  expect(result).toMatchObject({ state: 'open', tenant: 'default', kind: 'outcome' });
  expect(result?.text).toContain(RESULT_WORD);
  expect(result?.text).not.toContain(SECRET);
  expect(recordsOfKind(gateway.dataDir, 'access')).toMatchObject([{ record: intent, by: 'operator', ok: true }, { record: outcome, by: 'operator', ok: true }]);

  expect((await act(gateway, 'payload', { seqs: [intent] }, ALICE_KEY)).status).toBe(403);
  expect((await act(gateway, 'erase', { tenant: 'default' }, ALICE_KEY)).status).toBe(403);
  expect(recordsOfKind(gateway.dataDir, 'access')).toHaveLength(2);
  expect(verified(gateway.dataDir).ok).toBe(true);
});

test.each(['none', 'digest', 'redacted'])('with payloads: %s no result is recorded, and no key is made [RETENTION-1]', async (payloads) => {
  const gateway = await started(payloads);
  const { outcome } = await recordedCall(gateway);
  expect(gateway.records().some((record) => 'payload' in record)).toBe(false);
  expect(filesWith(gateway.dataDir, RESULT_WORD)).toEqual([]);
  expect(existsSync(join(gateway.dataDir, 'tenant-keys.db'))).toBe(false);
  expect((await act(gateway, 'payload', { seqs: [outcome] })).body.payloads).toMatchObject([{ state: 'none' }]);
});

test('where no key can be made a call that is to be recorded in full is refused before it has an intent [RETENTION-1]', async () => {
  const dataDir = temporaryDir();
  mkdirSync(join(dataDir, 'tenant-keys.db'));
  const gateway = await started('full', dataDir);
  expect(await call(gateway, { path: 'seen' })).toMatchObject({ type: 'refused', code: 'ledger_unavailable' });
  expect(recordsOfKind(dataDir, 'intent')).toEqual([]);
  expect(gateway.log()).toContain('its intent could not be recorded');
});

test("an erased tenant's payloads cannot be read, another's can, the ledger verifies, and the next call has a new key [RETENTION-2]", async () => {
  const gateway = await started('full');
  const mine = await recordedCall(gateway, 'alice');
  const theirs = await recordedCall(gateway, 'other');
  expect((await act(gateway, 'payload', { seqs: [mine.intent, theirs.intent] })).body.payloads.map(({ state }) => state)).toEqual(['open', 'open']);

  const erased = await act(gateway, 'erase', { tenant: 'default' });
  expect(erased).toMatchObject({ status: 200, body: { tenant: 'default' } });
  expect(recordsOfKind(gateway.dataDir, 'erase')).toMatchObject([{ tenant: 'default', keys: erased.body['keys'], by: 'operator' }]);
  const after = await act(gateway, 'payload', { seqs: [mine.intent, mine.outcome, theirs.outcome] });
  expect(after.body.payloads.map(({ state, text }) => [state, text === undefined])).toEqual([['erased', true], ['erased', true], ['open', false]]);
  expect(verified(gateway.dataDir).ok).toBe(true);

  const next = await recordedCall(gateway, 'alice');
  expect((await act(gateway, 'payload', { seqs: [next.intent, next.outcome] })).body.payloads.map(({ state }) => state)).toEqual(['open', 'open']);
  expect((await act(gateway, 'erase', { tenant: 'nobody' })).body.error.message).toMatch(/no keys/);

  // The last checkpoint comes with the end.
  await gateway.close();
  for (const { seq } of gateway.records()) expect(checked(gateway.dataDir, proofOf(gateway.dataDir, Number(seq)))).toMatchObject({ ok: true, seq });
});

test('a hold that may cover a tenant refuses its erasure in words, and one of another tenant does not [RETENTION-7]', async () => {
  const gateway = await started('full');
  const { intent } = await recordedCall(gateway);
  const { id } = (await act(gateway, 'hold', { caller: 'alice', reason: 'the case of Smith' })).body.hold;
  await act(gateway, 'hold', { tenant: 'elsewhere', reason: 'another' });
  const refused = await act(gateway, 'erase', { tenant: 'default' });
  expect(refused.status).toBe(409);
  expect(refused.body.error.message).toContain(`${id} covers every tenant, caller "alice" (the case of Smith)`);
  expect(recordsOfKind(gateway.dataDir, 'erase')).toEqual([]);
  expect((await act(gateway, 'payload', { seqs: [intent] })).body.payloads).toMatchObject([{ state: 'open' }]);
  await act(gateway, 'release', { id, reason: 'settled' });
  expect((await act(gateway, 'erase', { tenant: 'default' })).status).toBe(200);
  expect((await act(gateway, 'hold', { reason: 'nothing said' })).body.error.message).toMatch(/Say what is held/);
  expect((await act(gateway, 'hold', { tenant: 'x', from: 5, to: 4, reason: 'r' })).status).toBe(409);
  expect((await act(gateway, 'holds', {}, OTHER_KEY)).status).toBe(403);
});

test('a key that was to be erased when the process stopped is erased by the next start, on record [RETENTION-2]', async () => {
  const dataDir = temporaryDir();
  const keys = openTenantKeys(dataDir, openSecret(dataDir).derive('tenant-keys'));
  const { id } = keys.sealing('acme', Date.now());
  keys.condemn('acme');
  keys.close();
  const gateway = await started('redacted', dataDir);
  await gateway.record('the erasure', ({ kind, keys: said }) => kind === 'erase' && JSON.stringify(said) === JSON.stringify([id]));
  await until('the key to go', async () => JSON.stringify((await act(gateway, 'tenants', {})).body).includes('erasedAt'));
});

test('a gateway purges when it starts and signs for it; words that only purged records held leave the index too [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const old = await keep(dataDir, undefined);
  await writeCalls(old.ledger, Array.from({ length: 40 }, (_, at) => ({ call: `old-${at}`, time: Date.now() - 400 * DAY_MS, caller: 'somebody-of-before' })));
  await old.close();
  const before = await started('redacted', dataDir);
  const found = await send(`${before.url}/admin/audit?caller=somebody-of-before`, { method: 'GET', headers: { authorization: `Bearer ${before.operatorToken}` } });
  expect(found.text).toContain('old-39');
  expect(filesWith(dataDir, 'somebody-of-before').some((name) => name.startsWith(SEARCH_FILE))).toBe(true);

  before.reload({ callers: CALLERS, audit: { retention: { keep: '30d' } } });
  const headers = { authorization: `Bearer ${before.operatorToken}`, 'content-type': 'application/json' };
  const purged = await send(`${before.url}/admin/retention/purge`, { headers, body: '{}' });
  expect(JSON.parse(purged.text)).toMatchObject({ records: 80, isComplete: true });
  expect(filesWith(dataDir, 'somebody-of-before')).toEqual([]);
  expect(wordsIn(dataDir).size).toBe(0);
  await until('a checkpoint over the purge', () => {
    const result = verified(dataDir);
    return result.ok && result.purged.records === 80 && result.purged.unsigned === undefined;
  });
});

test('a purge comes with the start where retention is configured [RETENTION-4]', async () => {
  const dataDir = temporaryDir();
  const old = await keep(dataDir, undefined);
  await writeCalls(old.ledger, [{ call: 'old-0', time: Date.now() - 400 * DAY_MS }]);
  await old.close();
  const gateway = await started('redacted', dataDir, { retention: { keep: '90d' } });
  expect(await gateway.record('the purge', ({ kind }) => kind === 'purge')).toMatchObject({ by: 'gateway', count: 2, reason: 'retention: keep 90d' });
  await until('the text to go', () => wordsIn(dataDir).size === 0);
});
