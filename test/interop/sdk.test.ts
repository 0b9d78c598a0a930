/** The official SDK's clients, both generations, over HTTP: connect, list, call, error, progress, cancel, changed lists. */
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/poll.ts';
import { KEY, openWorld, SOME_TOOLS, type InteropWorld } from './world.ts';

let world: InteropWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.end());

interface Result {
  readonly content: { readonly text?: string }[];
  readonly isError?: boolean;
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: { progress: number }) => void;
}

/** What the tests need of a client, whichever generation it is of. */
interface Client {
  readonly version: string;
  names(): Promise<string[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Result>;
  close(): Promise<void>;
}

const requestInit = { headers: { authorization: `Bearer ${KEY}` } };
type Mode = 'auto' | 'legacy' | { pin: string };

async function sdk2(mode: Mode, onListChanged: () => void): Promise<Client> {
  const client = new Client2({ name: 'foreign', version: '1' }, { versionNegotiation: { mode }, listChanged: { tools: { onChanged: onListChanged } } });
  await client.connect(new Http2(new URL(world.url), { requestInit }));
  return {
    version: String(client.getNegotiatedProtocolVersion()),
    names: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => (await client.callTool({ name, arguments: args }, options)) as Result,
    close: () => client.close(),
  };
}

async function sdk1(onListChanged: () => void): Promise<Client> {
  const client = new Client1({ name: 'foreign', version: '1' });
  const transport = new Http1(new URL(world.url), { requestInit });
  client.setNotificationHandler(ToolListChangedNotificationSchema, onListChanged);
  await client.connect(transport as Parameters<Client1['connect']>[0]);
  return {
    version: String(transport.protocolVersion),
    names: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => (await client.callTool({ name, arguments: args }, undefined, options)) as Result,
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

const CLIENTS: [string, string, (onListChanged: () => void) => Promise<Client>][] = [
  ['SDK 2, automatic', '2026-07-28', (changed) => sdk2('auto', changed)],
  ['SDK 2, pinned to 2026-07-28', '2026-07-28', (changed) => sdk2({ pin: '2026-07-28' }, changed)],
  ['SDK 2, legacy', '2025-11-25', (changed) => sdk2('legacy', changed)],
  ['SDK 1', '2025-11-25', (changed) => sdk1(changed)],
];

for (const [name, version, connect] of CLIENTS) {
  test(`${name}: lists, calls, errors, progress, cancel and changed lists work [INTEROP-1]`, async () => {
    let changes = 0;
    const client = await connect(() => void changes++);
    expect(client.version).toBe(version);
    expect(await client.names()).toEqual(expect.arrayContaining(SOME_TOOLS));

    for (const tool of ['old__echo', 'new__echo']) expect((await client.call(tool, { text: name })).content[0]?.text).toBe(name);
    expect((await client.call('everything__echo', { message: name })).content[0]?.text).toContain(name);
    expect((await client.call('new__region', { region: 'zürich' })).content[0]?.text).toBe('zürich');

    expect(await client.call('old__fail', {})).toMatchObject({ isError: true, content: [{ text: 'it failed' }] });
    const denied = await client.call('new__add', { a: 13, b: 1 });
    expect([denied.isError, denied.content[0]?.text]).toEqual([true, expect.stringContaining('no-sum')]);
    await expect(client.call('no__such_tool', {})).rejects.toMatchObject({ code: -32602 });

    for (const tool of ['old__slow', 'new__slow']) {
      const steps: number[] = [];
      await client.call(tool, { steps: 3, stepMs: 5 }, { onprogress: ({ progress }) => void steps.push(progress) });
      expect([tool, steps]).toEqual([tool, [1, 2, 3]]);

      const before = world.executions().length;
      const stop = new AbortController();
      const ended = client.call(tool, { steps: 500, stepMs: 10 }, { signal: stop.signal, onprogress: () => stop.abort('enough') });
      await expect(ended).rejects.toThrow();
      await until(`${tool} was cancelled upstream`, () => world.executions().slice(before).includes('cancelled'));
    }

    await client.call('new__toggle', {});
    await until('the client is told of the changed list', () => changes > 0);
    await client.call('new__toggle', {});
    await client.close();
  });
}

test('every generation of client saw the same tools, and left the same kind of record [INTEROP-1]', async () => {
  const lists: string[][] = [];
  for (const [, , connect] of CLIENTS) {
    const client = await connect(() => {});
    lists.push(await client.names());
    await client.close();
  }
  for (const list of lists) expect(list).toEqual(lists[0]);
  const protocols = new Set(world.gateway.records().filter(({ kind }) => kind === 'intent').map(({ protocol, caller }) => `${String(protocol)} ${String(caller)}`));
  expect([...protocols].toSorted()).toEqual(['2025-11-25 foreign', '2026-07-28 foreign']);
});

test('a client of the SDK without a key gets 401, not a list [AUTH-1]', async () => {
  const client = new Client2({ name: 'foreign', version: '1' });
  await expect(client.connect(new Http2(new URL(world.url)))).rejects.toThrow();
});
