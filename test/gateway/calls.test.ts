/** The one path: limits, rules, approvals and the ledger, as a client sees them, and the same through every face. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { startGateway, type RecordBody, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { errorIn, textIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { SIGNALBOX } from '../support/process.ts';
import { startUpstream, textResult, tool, type UpstreamCall } from '../support/upstream.ts';

test('200 parallel calls against a limit of 10 admit exactly 10, whatever the era [PATH-3]', async () => {
  for (const limit of [{ rate: '10/hour' }, { rate: '60/hour', burst: 10 }, { concurrent: 10 }]) {
    const held: UpstreamCall[] = [];
    const up = await startUpstream({ onCall: (call) => void held.push(call) });
    const gateway = await startGateway({ servers: { up: up.server }, limits: [{ id: 'ten', ...limit }] });
    const client = gateway.client();
    const session = await client.session();
    const answered: { code: unknown; rule: unknown }[] = [];
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const message = index % 2 === 0 ? await client.call('up__echo') : await session.call('up__echo');
      answered.push({ code: errorIn(message)['code'], rule: message.result?.isError });
    });
    await until('the others were refused', () => answered.length === 190);
    expect(answered).toEqual(Array.from({ length: 190 }, () => ({ code: 'rate_limited', rule: true })));
    await until('the ten are upstream', () => held.length === 10);
    for (const { answer } of held) answer(textResult('fine'));
    await Promise.all(calls);
    expect(up.calls()).toHaveLength(10);
    const records = await until('all are recorded', () => {
      const found = gateway.records().filter(({ kind }) => kind === 'refused' || kind === 'intent');
      return found.length === 200 && found;
    });
    expect(records.filter(({ kind }) => kind === 'intent').map(({ limits }) => limits)).toEqual(Array.from({ length: 10 }, () => ['ten']));
    expect(records.filter(({ kind, limit: bit }) => kind === 'refused' && bit === 'ten')).toHaveLength(190);
  }
});

test('a limit on an argument counts that argument, each of its values apart [PATH-4]', async () => {
  const up = await startUpstream({ tools: [tool('send')] });
  const gateway = await startGateway({ servers: { up: up.server }, limits: [{ id: 'mail', tools: ['up/send'], per: ['caller', 'args.to'], rate: '2/hour' }] });
  const client = gateway.client();
  const codes = await Promise.all(['a', 'a', 'a', 'b', 'b', 'b', 'A'].map(async (to) => [to, errorIn(await client.call('up__send', { to, text: Math.random() }))['code'] ?? 'sent']));
  expect(codes.filter(([, code]) => code === 'sent').map(([to]) => to).toSorted()).toEqual(['A', 'a', 'a', 'b', 'b']);
});

test('a limit says when to try again: in words that a model reads and as data [PATH-5]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, limits: [{ id: 'one', rate: '1/hour' }] });
  const client = gateway.client();
  await client.call('up__echo');
  const refused = await client.call('up__echo');
  const error = errorIn(refused);
  expect(error).toMatchObject({ code: 'rate_limited', retryable: true, call: expect.any(String) });
  expect(error['retryAfterMs']).toBeGreaterThan(3_590_000);
  expect(error['retryAfterMs']).toBeLessThanOrEqual(3_600_000);
  expect(textIn(refused)).toContain(`retryAfterMs: ${String(error['retryAfterMs'])}`);
  expect(refused.result.isError).toBe(true);
});

test('what rules deny is a tool error that names the rule; what they ask about waits with an id, and counts as no call [PATH-6]', async () => {
  const up = await startUpstream({ tools: [tool('read'), tool('send')] });
  const gateway = await startGateway({
    servers: { up: up.server },
    rules: [
      { id: 'reads', effect: 'allow', tools: ['up/read'] },
      { id: 'no-etc', effect: 'deny', tools: ['up/read'], when: "has(args.path) && args.path.startsWith('/etc')", reason: 'Paths below /etc are not for tools.' },
      { id: 'mail', effect: 'ask', tools: ['up/send'], reason: 'A person looks at mail.' },
    ],
    approvals: { wait: '0s' },
  });
  const client = gateway.client();
  const session = await client.session();
  for (const ask of [client.call, session.call]) {
    const denied = await ask('up__read', { path: '/etc/passwd' });
    expect([denied.result.isError, textIn(denied)]).toEqual([true, expect.stringContaining('Paths below /etc are not for tools.')]);
    expect(errorIn(denied)).toMatchObject({ code: 'denied', rule: 'no-etc', retryable: false });
    const waiting = await ask('up__send', { to: 'x' });
    expect(errorIn(waiting)).toMatchObject({ code: 'approval_required', rule: 'mail', approval: expect.any(String) });
    expect(textIn(waiting)).toContain('A person looks at mail.');
    const record = await gateway.record('the wait', ({ approval }) => approval === errorIn(waiting)['approval']);
    expect(record).toMatchObject({ kind: 'refused', code: 'approval_required', effect: 'ask', rule: 'mail', tool: 'up/send' });
  }
  expect(textIn(await client.call('up__read', { path: '/tmp' }))).toContain('/tmp');
  expect(up.calls()).toHaveLength(1);
});

interface Face {
  readonly name: string;
  /** Calls `up__echo` with these arguments as alice. */
  call(gateway: TestGateway, args: object): Promise<unknown>;
}

const ALICE = 'alices-long-key-of-the-test';

/** One line for each face: a new one is added here, and its records must be the others'. */
const FACES: readonly Face[] = [
  { name: 'MCP 2026', call: (gateway, args) => gateway.client({ key: ALICE }).call('up__echo', args) },
  { name: 'MCP 2025 session', call: async (gateway, args) => (await gateway.client({ key: ALICE }).session()).call('up__echo', args) },
  { name: 'MCP 2025 stateless', call: (gateway, args) => gateway.client({ key: ALICE }).stateless('tools/call', { name: 'up__echo', arguments: args }) },
  { name: 'MCP 2025-03-26 batch', call: (gateway, args) => gateway.client({ key: ALICE }).raw(JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__echo', arguments: args } }])) },
  { name: 'signalbox call', call: (gateway, args) => command(gateway, ['call', 'up__echo', JSON.stringify(args), '--as', 'alice'], '') },
  { name: 'signalbox stdio', call: (gateway, args) => command(gateway, ['stdio', '--as', 'alice'], stdioLines(args)) },
];

const stdioLines = (args: object): string =>
  [
    { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/call', params: { name: 'up__echo', arguments: args } },
  ].map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('');

/** The real program, beside the running gateway on the same data directory. */
function command(gateway: TestGateway, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SIGNALBOX, ...args, '-c', gateway.configPath, '--data', gateway.dataDir], { env: { PATH: process.env['PATH'] ?? '', HOME: gateway.dataDir }, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      // A bridge stays for as long as its input does.
      if (input !== '' && out.includes('"id":2')) child.stdin.end();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}: ${err}`))));
    if (input === '') child.stdin.end();
    else child.stdin.write(input);
  });
}

/** What speaks of the way in, or of the moment (an answer's size holds the digits of its id), and may differ. */
const ORIGIN = new Set(['seq', 'prev', 'time', 'call', 'face', 'protocol', 'session', 'request', 'proof', 'proofId', 'resultBytes', 'upstreamMs', 'totalMs']);
const withoutOrigin = (record: RecordBody): object => Object.fromEntries(Object.entries(record).filter(([key]) => !ORIGIN.has(key)));

test('one call through every face leaves the same records, origin aside, and reaches the upstream the same [PATH-1]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({
    servers: { up: up.server },
    callers: [{ id: 'alice', key: ALICE, tenant: 'acme', roles: ['dev'] }],
    rules: [{ id: 'devs', effect: 'allow', roles: ['dev'] }],
    limits: [{ id: 'many', per: ['caller'], rate: '1000/min' }],
  });
  const args = { text: 'hello', password: 'canary', list: [1, { deep: null }] };
  const seen: { face: string; intent: object; outcome: object; sent: unknown }[] = [];
  for (const { name, call } of FACES) {
    const before = gateway.records().length;
    await call(gateway, args);
    const [intent, outcome] = await until(`the records of ${name}`, () => {
      const fresh = gateway.records().slice(before).filter(({ kind }) => kind === 'intent' || kind === 'outcome' || kind === 'refused');
      return fresh.length === 2 && fresh;
    });
    seen.push({ face: name, intent: withoutOrigin(intent as RecordBody), outcome: withoutOrigin(outcome as RecordBody), sent: up.calls().at(-1)?.params['arguments'] });
  }
  const [first, ...others] = seen;
  expect(first?.intent).toMatchObject({ kind: 'intent', caller: 'alice', tenant: 'acme', tool: 'up/echo', name: 'up__echo', effect: 'allow', rule: 'devs', limits: ['many'], argsBytes: 61, argsHmac: expect.stringMatching(/^[\w-]{43}$/), fingerprint: expect.stringMatching(/^[\da-f]{64}$/), args: { text: 'hello', list: [1, { deep: null }] } });
  expect(JSON.stringify(first)).not.toMatch(/"args":[^}]*canary/);
  expect(first?.outcome).toMatchObject({ kind: 'outcome', outcome: 'completed', isError: false });
  for (const other of others) {
    expect(other.intent, other.face).toEqual(first?.intent);
    expect(other.outcome, other.face).toEqual(first?.outcome);
    expect(other.sent, other.face).toEqual(args);
  }
  expect(up.calls()).toHaveLength(FACES.length);
});

test('nothing goes upstream before its intent is durable [PATH-7]', async () => {
  const seen: boolean[] = [];
  let gateway: TestGateway | undefined;
  const up = await startUpstream({
    onCall: ({ args, answer }) => {
      seen.push(gateway?.records().some(({ kind, args: recorded }) => kind === 'intent' && (recorded as { n?: unknown })?.n === args['n']) === true);
      answer(textResult('fine'));
    },
  });
  const running = (gateway = await startGateway({ servers: { up: up.server } }));
  await Promise.all(Array.from({ length: 20 }, (_, n) => running.client().call('up__echo', { n })));
  expect(seen).toEqual(Array.from({ length: 20 }, () => true));
});

test('strict durability holds the answer until the outcome is recorded too [PATH-7]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, audit: { durability: 'strict' } });
  for (let n = 1; n <= 5; n++) {
    await gateway.client().call('up__echo', { n });
    expect(gateway.records().filter(({ kind }) => kind === 'outcome')).toHaveLength(n);
  }
});

test('while the ledger cannot be written calls are refused in clear words, the rest works, and it goes on by itself [LEDGER-3]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  const client = gateway.client();
  const session = await client.session();
  await client.call('up__echo', { n: 1 });
  // Another process that holds the write lock: to the ledger it is the same as a disk that takes nothing.
  const blocker = new Database(join(gateway.dataDir, 'ledger.db'));
  blocker.exec('BEGIN IMMEDIATE');
  for (const ask of [client.call, session.call]) {
    const refused = await ask('up__echo', { n: 2 });
    expect(errorIn(refused)).toMatchObject({ code: 'ledger_unavailable', retryable: true });
    expect(textIn(refused)).toContain('could not be recorded');
  }
  expect(await client.names()).toEqual(['up__echo']);
  expect((await session.request('ping')).message.result).toEqual({});
  const status = await send(`${gateway.url}/admin/status`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } });
  expect(JSON.parse(status.text)).toMatchObject({ ledger: { ok: false, problem: expect.any(String) } });
  expect(up.calls()).toHaveLength(1);
  blocker.exec('ROLLBACK');
  blocker.close();
  await until('it goes on', async () => textIn(await client.call('up__echo', { n: 3 })) === '{"n":3}');
  expect(gateway.records().some(({ args }) => (args as { n?: number })?.n === 2)).toBe(false);
});
