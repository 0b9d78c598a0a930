/** Who is let in, by what, and that what lets them in is seen nowhere else. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { createKeyStore, hashKey } from '../../store/index.ts';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { mcpClient, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { SIGNALBOX } from '../support/process.ts';
import { startUpstream, textResult } from '../support/upstream.ts';

function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-open-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

const ALICE = 'alices-long-key-of-the-test';
const CALLERS = [{ id: 'alice', key: ALICE }, { id: 'bob' }];

test('without a good key every route but health is 401 and says which scheme to use; nothing goes upstream [AUTH-1]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, callers: CALLERS });
  const bad: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${ALICE}x` },
    { authorization: `Bearer ${ALICE.slice(0, -1)}` },
    { authorization: `Basic ${Buffer.from(`alice:${ALICE}`).toString('base64')}` },
    { authorization: `Bearer ${hashKey(ALICE)}` },
    { authorization: 'Bearer ' },
    // A key in the one place is not looked for in the other.
    { authorization: 'Bearer wrong', 'x-api-key': ALICE },
    { 'x-api-key': '' },
  ];
  const session = await gateway.client({ key: ALICE }).session();
  for (const headers of bad) {
    for (const path of ['/mcp', '/mcp/any', '/metrics', '/admin/status', '/nothing']) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const reply = await send(`${gateway.url}${path}`, { method, headers: { 'content-type': 'application/json', 'mcp-session-id': session.id, ...headers }, ...(method === 'POST' ? { body: '{}' } : {}) });
        expect([path, method, reply.status, reply.headers['www-authenticate']]).toEqual([path, method, 401, 'Bearer realm="signalbox"']);
      }
    }
  }
  for (const path of ['/healthz', '/readyz']) expect((await send(`${gateway.url}${path}`, { method: 'GET' })).status).toBe(200);
  expect(up.calls()).toEqual([]);
  await gateway.record('a failure', ({ kind, ok, address }) => kind === 'auth' && ok === false && address === '127.0.0.1');
});

test('a good key lets in as a bearer token or as x-api-key, and the record says whose it was [AUTH-1]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, callers: CALLERS });
  const ways: Record<string, string>[] = [{ authorization: `Bearer ${ALICE}` }, { authorization: `bearer  ${ALICE}` }, { 'x-api-key': ALICE }];
  for (const headers of ways) expect(textIn(await gateway.client({ headers }).call('up__echo', { a: 1 }))).toBe('{"a":1}');
  const intents = gateway.records().filter(({ kind }) => kind === 'intent');
  expect(intents.map(({ caller, proof, tenant }) => [caller, proof, tenant])).toEqual(ways.map(() => ['alice', 'key', 'default']));
});

test('a caller that is configured by the hash of its key is let in by the key and not by the hash [AUTH-1]', async () => {
  const gateway = await startGateway({ callers: [{ id: 'alice', key: '${env:HASH}' }] }, { env: { HASH: `sha256:${hashKey(ALICE).toUpperCase()}` } });
  expect((await gateway.client({ key: ALICE }).modern('tools/list')).status).toBe(200);
  expect((await gateway.client({ key: hashKey(ALICE) }).modern('tools/list')).status).toBe(401);
  expect((await gateway.client({ key: `sha256:${hashKey(ALICE)}` }).modern('tools/list')).status).toBe(401);
});

test('failures without end fill no disk: beyond some in a second they are counted [AUTH-1]', async () => {
  const gateway = await startGateway({ callers: CALLERS });
  await Promise.all(Array.from({ length: 200 }, () => send(`${gateway.url}/mcp`, { headers: { authorization: 'Bearer wrong' } })));
  const failures = () => gateway.records().filter(({ kind }) => kind === 'auth');
  await until('all are accounted for', () => failures().reduce((sum, { count }) => sum + Number(count ?? 1), 0) === 200);
  expect(failures().length).toBeLessThan(60);
});

test('a key that is made while the gateway runs works at once, and one that is revoked stops within a second [AUTH-2]', async () => {
  const gateway = await startGateway({ callers: CALLERS });
  const other = createKeyStore(gateway.dataDir, { log: silentLog });
  const { id, key } = other.create('bob');
  const client = gateway.client({ key });
  const allowed = async () => (await client.modern('tools/list')).status === 200;
  await until('the key made by another process is known', allowed, 1000);
  const session = await client.session();
  other.revoke(id);
  await until('the key is refused', async () => !(await allowed()), 1000);
  expect((await session.request('ping')).status).toBe(401);
  other.close();

  const operator = { authorization: `Bearer ${gateway.operatorToken}`, 'content-type': 'application/json' };
  const made = JSON.parse((await send(`${gateway.url}/admin/keys`, { headers: operator, body: '{"caller":"bob"}' })).text) as { id: string; key: string };
  expect((await gateway.client({ key: made.key }).modern('tools/list')).status).toBe(200);
  expect((await send(`${gateway.url}/admin/keys/${made.id}`, { method: 'DELETE', headers: operator })).status).toBe(200);
  expect((await gateway.client({ key: made.key }).modern('tools/list')).status).toBe(401);
  for (const action of ['create', 'revoke']) await gateway.record(action, (record) => record.kind === 'keys' && record['action'] === action && record['key'] === made.id);
});

test("a stored key's caller must be configured; a caller that a reload takes out is out [AUTH-2]", async () => {
  const gateway = await startGateway({ callers: CALLERS });
  const keys = createKeyStore(gateway.dataDir, { log: silentLog, pollMs: false });
  const [bob, stranger] = [keys.create('bob').key, keys.create('stranger').key];
  keys.close();
  await until('the keys are known', async () => (await gateway.client({ key: bob }).modern('tools/list')).status === 200);
  expect((await gateway.client({ key: stranger }).modern('tools/list')).status).toBe(401);
  const session = await gateway.client({ key: bob }).session();
  gateway.reload({ callers: [{ id: 'alice', key: ALICE }] });
  expect((await session.request('ping')).status).toBe(401);
});

test('keys, wrong ones too, appear in no log, record, error or file [AUTH-3]', async () => {
  const canary = 'canary-key-that-must-be-nowhere-1f9a';
  const wrong = 'canary-key-that-is-wrong-77b2';
  const up = await startUpstream({ onCall: ({ args, answer }) => answer(args['fail'] === true ? '"error":{"code":1,"message":"no"}' : textResult('fine')) });
  const gateway = await startGateway({ servers: { up: up.server }, callers: [{ id: 'alice', key: '${env:KEY}' }] }, { env: { KEY: canary } });
  const client = gateway.client({ key: canary });
  const answers: string[] = [];
  const session = await client.session();
  const keep = async (reply: Promise<{ text: string; headers: object }>): Promise<void> => void answers.push(JSON.stringify(await reply));
  await keep(client.modern('tools/call', { name: 'up__echo', arguments: {} }));
  await keep(client.modern('tools/call', { name: 'up__echo', arguments: { fail: true } }));
  await keep(client.modern('tools/call', { name: 'none', arguments: {} }));
  await keep(session.request('tools/call', { name: 'up__echo', arguments: { authorization: `Bearer ${canary}`, headers: { 'x-api-key': canary } } }));
  await keep(client.raw('{"not json', { authorization: `Bearer ${canary}` }));
  for (const headers of [{ authorization: `Bearer ${wrong}` }, { 'x-api-key': wrong }, { authorization: wrong }]) await keep(send(client.url, { headers }));
  await keep(send(`${gateway.url}/admin/status`, { method: 'GET', headers: client.headers }));
  await keep(send(`${gateway.url}/admin/status`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } }));
  await keep(send(`${gateway.url}/metrics`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } }));
  await gateway.close();
  const files = readdirSync(gateway.dataDir).filter((name) => name !== 'lock.db').map((name) => readFileSync(join(gateway.dataDir, name), 'latin1'));
  const places = { answers: answers.join('\n'), log: gateway.log(), files: files.join('\n'), records: JSON.stringify(gateway.records()) };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [canary, wrong]) expect(text.includes(secret), `${place} holds ${secret}`).toBe(false);
  }
  expect(places.records).toContain('"kind":"intent"');
});

for (const era of ['legacy', 'modern'] as const) {
  test(`a client's key, cookies and other headers never go to an upstream of the ${era} era [AUTH-3]`, async () => {
    const up = await startUpstream({ era });
    const gateway = await startGateway({ servers: { up: { ...up.server, headers: { authorization: 'Bearer of-the-upstream' } } }, callers: [{ id: 'alice', key: 'canary-of-the-client-key' }] });
    const headers = { cookie: 'canary=1', 'x-canary': 'canary', 'user-agent': 'canary', 'x-forwarded-for': 'canary', 'proxy-authorization': 'canary', tracestate: 'canary=1', 'x-signalbox-as': 'canary', 'mcp-param-canary': 'canary', referer: 'canary' };
    const client = gateway.client({ key: 'canary-of-the-client-key', headers });
    expect(textIn(await client.call('up__echo', { a: 1 }))).toBe('{"a":1}');
    const session = await client.session();
    await session.call('up__echo', { a: 2 });
    expect(up.calls()).toHaveLength(2);
    const seen = JSON.stringify(up.received);
    expect(seen).not.toContain('canary');
    expect(seen).not.toContain(session.id);
    for (const { headers: sent } of up.calls()) expect(sent.authorization).toBe('Bearer of-the-upstream');
  });
}

test("the operator's token opens the admin API and acts for a caller; without it the headers for that are worth nothing [AUTH-4]", async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, callers: CALLERS });
  const acting = { 'x-signalbox-as': 'bob', 'x-signalbox-face': 'stdio' };
  expect((await send(`${gateway.url}/mcp`, { headers: { ...acting, 'content-type': 'application/json' }, body: '{}' })).status).toBe(401);
  await gateway.client({ key: ALICE, headers: acting }).call('up__echo', {});
  await gateway.client({ key: gateway.operatorToken, headers: { 'x-signalbox-as': 'bob' } }).call('up__echo', {});
  expect(gateway.records().filter(({ kind }) => kind === 'intent').map(({ caller, face, proof }) => [caller, face, proof])).toEqual([['alice', 'mcp', 'key'], ['bob', 'cli', 'cli']]);
  expect((await gateway.client({ key: gateway.operatorToken, headers: { 'x-signalbox-as': 'nobody' } }).modern('tools/list')).status).toBe(401);
  for (const path of ['/admin/status', '/admin/keys', '/admin/lease', '/admin/nothing', '/metrics']) {
    const reply = await send(`${gateway.url}${path}`, { method: 'GET', headers: { authorization: `Bearer ${ALICE}`, ...acting } });
    expect([path, reply.status]).toEqual([path, 403]);
  }
  const posted = await send(`${gateway.url}/admin/explain`, { headers: { authorization: `Bearer ${ALICE}`, 'content-type': 'application/json' }, body: '{"name":"up__echo","as":"bob"}' });
  expect(posted.status).toBe(403);
});

test('the admin API is closed to everybody else even where no callers are configured [AUTH-4]', async () => {
  const gateway = await startGateway({});
  expect((await gateway.client().modern('tools/list')).status).toBe(200);
  expect((await send(`${gateway.url}/admin/status`, { method: 'GET' })).status).toBe(403);
  expect((await send(`${gateway.url}/metrics`, { method: 'GET' })).status).toBe(200);
  const mine = mcpClient(gateway.url, { headers: { 'x-signalbox-as': 'root', 'x-signalbox-face': 'cli' } });
  await mine.call('nothing');
  const record = await gateway.record('the refusal', ({ kind }) => kind === 'refused');
  expect([record['caller'], record['face'], record['proof']]).toEqual(['local', 'mcp', 'loopback']);
});

test('without callers only loopback is bound, however the address was chosen; a reload cannot take the last caller away [AUTH-6]', async () => {
  const child = spawn(process.execPath, [SIGNALBOX, 'serve', '--host', '0.0.0.0', '--port', '0', '--data', temporaryDir()], { cwd: temporaryDir(), stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, said]).toEqual([2, expect.stringContaining('no callers are configured')]);
  expect(said).not.toContain('listening on');

  const callers = [{ id: 'alice', key: ALICE }];
  const gateway = await startGateway({ listen: { host: '0.0.0.0' }, callers });
  const { listen, ...rest } = gateway.hall.box().settings;
  expect(() => gateway.hall.reload({ ...rest, listen, callers: [] }, { resolve: (text) => text })).toThrow('no callers');
  expect(gateway.hall.box().settings.callers).toHaveLength(1);
});
