/** `signalbox stdio` carries it all unchanged: the gateway's requests to a 2025 client and their answers, and a 2026 client's second try. */
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { spawnSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { newPlace, NODE, record, SIGNALBOX, startBridge, until, type Message, type Place } from '../stdio/support.ts';

const ASKING = `rules:
  - { id: ask-first, effect: ask, tools: ["up/*"] }
approvals: { wait: 1s }
`;
const CALL = { name: 'up__record', arguments: { id: 'came' } };
const EDITED: ElicitResult = { action: 'accept', content: { decision: 'approve', arguments: '{"id":"edited"}' } };

const isRequest = (message: Message | Message[]): message is Message => !Array.isArray(message) && message.method === 'elicitation/create';

/** The words that a command prints. */
function signalbox(place: Place, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(NODE, [SIGNALBOX, ...args, '-c', place.config], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

test('a 2025 client is asked over stdio, and what it answers is executed [ASK-1]', async () => {
  const place = newPlace(ASKING);
  const client = new Client1({ name: 'foreign', version: '1' }, { capabilities: { elicitation: {} } });
  onTestFinished(() => client.close());
  const shown: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    shown.push(params.message);
    return EDITED;
  });
  await client.connect(new Stdio1({ command: NODE, args: place.args, stderr: 'ignore' }));
  expect((await client.callTool(CALL)).isError).not.toBe(true);
  expect(shown).toEqual([expect.stringContaining('up/record')]);
  expect(place.executed()).toEqual(['edited']);
});

test('a 2026 client is asked over stdio, and what it answers is executed [ASK-1]', async () => {
  const place = newPlace(ASKING);
  const client = new Client2({ name: 'foreign', version: '1' }, { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  onTestFinished(() => client.close());
  client.setRequestHandler('elicitation/create', () => EDITED);
  await client.connect(new Stdio2({ command: NODE, args: place.args, stderr: 'ignore' }));
  expect((await client.callTool(CALL)).isError).not.toBe(true);
  expect(place.executed()).toEqual(['edited']);
});

test('the request comes on a line of its own before the answer, and a no is carried back [ASK-1] [ASK-5]', async () => {
  const place = newPlace(ASKING);
  const bridge = startBridge(place);
  await bridge.ask('open', 'initialize', { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo: { name: 'test', version: '1' } });
  bridge.send({ method: 'notifications/initialized' });
  bridge.send({ id: 1, method: 'tools/call', params: record('came') });
  await until(() => bridge.received.some(isRequest), 'the request');
  expect(place.executed()).toEqual([]);
  bridge.send({ id: bridge.received.find(isRequest)?.id, result: { action: 'decline' } });
  expect((await bridge.answerTo(1)).result?.content?.[0]?.text).toContain('A person denied this call.');
  expect(place.executed()).toEqual([]);
});

test('a client that cannot be asked is told the id, and calling again goes through once the command has approved it [ASK-6]', async () => {
  const place = newPlace(ASKING);
  const bridge = startBridge(place);
  await bridge.open();
  const told = await bridge.ask(1, 'tools/call', record('came'));
  const id = /\bap_\w+/.exec(told.result?.content?.[0]?.text ?? '')?.[0] as string;
  expect(signalbox(place, 'approvals', 'list')).toContain(id);
  signalbox(place, 'approvals', 'approve', id);
  expect((await bridge.ask(2, 'tools/call', record('came'))).result?.isError).not.toBe(true);
  expect(place.executed()).toEqual(['came']);
});
