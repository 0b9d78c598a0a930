/** 200 canaries, and the secrets of the gateway itself, put in everywhere: they come out nowhere but where they were sent. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { send } from '../support/http.ts';
import { until } from '../support/poll.ts';
import { CANARIES, GIVEN, GIVEN_TEXTS } from './canaries.ts';
import { LEAKY_SCRIPT, startLeaky } from './leaky.ts';

const FAILURES = ['isError', 'error', 'reserved', 'status', 'garbage', 'slow'];
/** What the operator may read, and is meant to. */
const MAY_HOLD_TOKEN = new Set(['gateway.json']);

async function startLeakyGateway() {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-canaries-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'secret.txt');
  writeFileSync(file, `${GIVEN.file}\n`);
  const leaky = await startLeaky(() => 'a tool');
  const gateway = await startGateway(
    {
      servers: {
        web: { url: `${leaky.url}?api_key=\${env:URL_QUERY}`, headers: { 'x-strange': '${env:HEADER}', authorization: 'Basic ${env:BASIC}' }, timeoutMs: 400 },
        child: { command: process.execPath, args: ['-e', LEAKY_SCRIPT], env: { CHILD_TOKEN: '${env:CHILD}', TOLD: `\${file:${file}}` } },
      },
      callers: [{ id: 'alice', key: '${env:ALICE}' }, { id: 'bob', key: '${env:BOB}' }],
      audit: { payloads: 'redacted', durability: 'strict' },
      scan: { mode: 'off' },
      log: { level: 'debug' },
    },
    { env: { URL_QUERY: GIVEN.urlQuery, HEADER: GIVEN.header, BASIC: GIVEN.basic, CHILD: GIVEN.childEnv, ALICE: GIVEN.alice, BOB: GIVEN.bob } },
  );
  return gateway;
}

test('200 canaries and the secrets of the gateway itself are in no record, log line, metric, status, or answer to another caller [SECRET-1] [SECRET-2]', { timeout: 120_000 }, async () => {
  expect(CANARIES).toHaveLength(200);
  expect(new Set(CANARIES.map(({ secret }) => secret)).size).toBe(200);
  const gateway = await startLeakyGateway();
  const alice = gateway.client({ key: GIVEN.alice });
  const session = await alice.session();
  const toAlice: string[] = [];
  const sentArguments: object[] = CANARIES.map(({ secret, inText, name }, index) => ({
    text: inText,
    list: [{ deep: { note: inText } }],
    headers: { Authorization: secret },
    env: [{ name: 'SERVICE_TOKEN', value: secret }],
    ...(name === undefined ? { [inText.slice(0, 180)]: 'as a name' } : { [name]: secret }),
    mode: index % 3 === 0 ? FAILURES[(index / 3) % 5] : 'ok',
  }));
  for (const [index, args] of sentArguments.entries()) {
    const answer = index % 2 === 0 ? await alice.call('web__tell', args) : await session.call('web__tell', args);
    toAlice.push(JSON.stringify(answer));
  }
  // The gateway's own, as arguments too.
  for (const text of GIVEN_TEXTS) await alice.call('web__tell', { text, mode: 'slow' === text ? 'slow' : 'error', list: [text] });
  await alice.call('child__tell', { mode: 'error' });
  await alice.call('child__tell', { mode: 'die', text: CANARIES[0]?.inText });
  await alice.call('web__tell', { mode: 'slow', text: 'x' }, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
  const bob = gateway.client({ key: GIVEN.bob });
  const toBob = [(await bob.modern('tools/list')).text];
  for (const mode of FAILURES.slice(0, 5)) toBob.push((await bob.modern('tools/call', { name: 'web__tell', arguments: { mode, text: '' } })).text);
  for (const mode of ['error', 'die', 'error']) toBob.push((await bob.modern('tools/call', { name: 'child__tell', arguments: { mode } })).text);
  toBob.push((await bob.raw('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')).text);

  const operator = { authorization: `Bearer ${gateway.operatorToken}` };
  const read = async (path: string): Promise<string> => (await send(`${gateway.url}${path}`, { method: 'GET', headers: operator })).text;
  const seen: Record<string, string> = {
    status: await read('/admin/status'),
    metrics: await read('/metrics'),
    'answers to bob': toBob.join('\n'),
    records: JSON.stringify(gateway.records()),
    decoded: gateway.records().map((record) => JSON.stringify(record['args'] ?? '')).join('\n'),
  };
  await until('the child has said its last words', () => gateway.log().includes('dying with'));
  seen['log'] = gateway.log();
  for (const name of readdirSync(gateway.dataDir)) seen[name] = readFileSync(join(gateway.dataDir, name), 'latin1');

  // That there was something to find: the calls came through, were recorded, and the echo came back to who asked.
  expect(gateway.records().filter(({ kind }) => kind === 'intent').length).toBeGreaterThan(200);
  expect(seen['records']).toContain('[redacted]');
  expect(seen['log']).toContain('stderr');
  expect(toAlice.filter((answer, index) => answer.includes(CANARIES[index]?.secret as string)).length).toBeGreaterThan(100);

  const found = Object.entries(seen).flatMap(([place, text]) => [
    ...CANARIES.filter(({ secret }) => text.includes(secret)).map(({ shape, inText }) => `${place}: ${shape} ${inText}`),
    ...GIVEN_TEXTS.filter((secret) => text.includes(secret)).map((secret) => `${place}: given ${secret}`),
    ...(MAY_HOLD_TOKEN.has(place) || !text.includes(gateway.operatorToken) ? [] : [`${place}: the operator's token`]),
  ]);
  expect(found).toEqual([]);
  // Errors to the same caller do not tell what the gateway was given either.
  const errors = toAlice.filter((_, index) => index % 3 === 0).join('\n');
  expect(GIVEN_TEXTS.filter((secret) => errors.includes(secret))).toEqual([]);
});
