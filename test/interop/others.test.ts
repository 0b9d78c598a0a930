/** Clients of other houses over HTTP: the Inspector's command line, the AI SDK, LangChain. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMCPClient } from '@ai-sdk/mcp';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEY, openWorld, SOME_TOOLS, type InteropWorld } from './world.ts';

let world: InteropWorld;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'signalbox-inspector-'));
  world = await openWorld();
});
afterAll(async () => {
  await world.end();
  rmSync(home, { recursive: true, force: true });
});

const INSPECTOR = new URL('../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url).pathname;

function inspector(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const all = [INSPECTOR, '--cli', world.url, '--transport', 'http', '--header', `Authorization: Bearer ${KEY}`, ...args];
  return new Promise((resolve) => {
    // A home of its own: the Inspector writes a catalog there.
    execFile(process.execPath, all, { env: { PATH: process.env['PATH'] ?? '', HOME: home } }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }));
  });
}

test('the Inspector lists the tools from the command line [INTEROP-2]', async () => {
  const { out, err } = await inspector('--method', 'tools/list');
  const { tools } = JSON.parse(out || `"${err}"`) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(SOME_TOOLS));
});

test('the Inspector calls a tool from the command line, and sees what is refused [INTEROP-2]', async () => {
  const [called, denied, unknown] = await Promise.all([
    inspector('--method', 'tools/call', '--tool-name', 'old__echo', '--tool-arg', 'text=hello'),
    inspector('--method', 'tools/call', '--tool-name', 'old__add', '--tool-arg', 'a=13', 'b=1'),
    inspector('--method', 'tools/call', '--tool-name', 'old__none'),
  ]);
  expect(JSON.parse(called.out)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
  expect(denied.out + denied.err).toContain('no-sum');
  expect(unknown.code).not.toBe(0);
});

const headers = { authorization: `Bearer ${KEY}` };

test('the AI SDK lists and calls tools, as a client of either era, and sees what is refused [INTEROP-3]', async () => {
  for (const protocolVersionDiscovery of [true, false]) {
    const client = await createMCPClient({ transport: { type: 'http', url: world.url, headers }, protocolVersionDiscovery });
    const tools = await client.tools();
    expect(Object.keys(tools)).toEqual(expect.arrayContaining(SOME_TOOLS));
    const call = async (name: string, input: object): Promise<unknown> => tools[name]?.execute?.(input as never, { toolCallId: '1', messages: [], context: {} } as never);
    expect(await call('new__echo', { text: 'hello' })).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
    expect(await call('everything__echo', { message: 'hello' })).toMatchObject({ content: [{ text: expect.stringContaining('hello') }] });
    expect(JSON.stringify(await call('old__add', { a: 13, b: 1 }).catch(String))).toContain('no-sum');
    expect(JSON.stringify(await call('old__fail', {}).catch(String))).toContain('it failed');
    await client.close();
  }
});

test('LangChain lists and calls tools, and sees what is refused [INTEROP-4]', async () => {
  const client = new MultiServerMCPClient({ mcpServers: { signalbox: { transport: 'http', url: world.url, headers } } });
  const tools = new Map((await client.getTools()).map((tool) => [tool.name, tool]));
  expect([...tools.keys()]).toEqual(expect.arrayContaining(SOME_TOOLS));
  const call = async (name: string, input: Record<string, unknown>): Promise<string> => JSON.stringify(await tools.get(name)?.invoke(input).catch(String));
  expect(await call('old__echo', { text: 'hello' })).toContain('hello');
  expect(await call('new__echo', { text: 'hello' })).toContain('hello');
  expect(await call('old__add', { a: 13, b: 1 })).toContain('no-sum');
  expect(await call('old__fail', {})).toContain('it failed');
  await client.close();
});
