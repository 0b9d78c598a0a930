import { Client as Client2, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newPlace, NODE, type Place, record, slow, until } from './support.ts';

const INFO = { name: 'test', version: '1' };
const server = (place: Place) => ({ command: NODE, args: place.args, stderr: 'ignore' as const });

async function openClient2(place: Place, options: ClientOptions): Promise<Client2> {
  const client = new Client2(INFO, options);
  onTestFinished(() => client.close());
  await client.connect(new Transport2(server(place)));
  return client;
}

async function openClient1(place: Place): Promise<Client1> {
  const client = new Client1(INFO);
  onTestFinished(() => client.close());
  await client.connect(new Transport1(server(place)));
  return client;
}

interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: object, options?: object): Promise<unknown>;
}

describe('clients that no one here wrote', () => {
  it.each([
    ['SDK 2, era by itself', (place: Place) => openClient2(place, { versionNegotiation: { mode: 'auto' } }), '2026-07-28'],
    ['SDK 2, pinned to 2026-07-28', (place: Place) => openClient2(place, { versionNegotiation: { mode: { pin: '2026-07-28' } } }), '2026-07-28'],
    ['SDK 2, without negotiation', (place: Place) => openClient2(place, {}), '2025-11-25'],
    ['SDK 1', openClient1, '2025-11-25'],
  ] as const)('%s: lists, calls, hears progress, cancels', async (_name, open, protocol) => {
    const place = newPlace();
    const client = (await open(place)) as unknown as AnyClient;
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('up__record');
    expect(await client.callTool(record('called'))).toMatchObject({ content: [{ text: 'called' }] });
    const steps: number[] = [];
    const options = { onprogress: ({ progress }: { progress: number }) => void steps.push(progress) };
    expect(await call(client, slow(3, 20), options)).toMatchObject({ content: [{ text: 'done' }] });
    // The SDKs drop a notification that they read in one piece with the answer, so the last step may go unheard here;
    // that the bridge carries every one, in order, is held by the lines themselves in carrying.test.ts.
    expect(steps.slice(0, 2)).toEqual([1, 2]);
    const abort = new AbortController();
    const cancelled = call(client, slow(1000, 20), { signal: abort.signal, onprogress: () => abort.abort() });
    await expect(cancelled).rejects.toThrow();
    await until(() => place.executed().includes('cancelled'), 'the server has heard of it');
    const intents = place.records().filter(({ kind }) => kind === 'intent');
    expect(intents).toHaveLength(3);
    for (const intent of intents) expect(intent).toMatchObject({ face: 'stdio', protocol });
  });

  it('two of different kinds and eras at once share one gateway [INTEROP-5]', async () => {
    const place = newPlace();
    const [young, old] = await Promise.all([openClient2(place, { versionNegotiation: { mode: 'auto' } }), openClient1(place)]);
    await Promise.all([young.callTool(record('young') as never), old.callTool(record('old') as never)]);
    expect(place.executed().toSorted()).toEqual(['old', 'young']);
    expect(place.records().filter(({ kind }) => kind === 'start')).toHaveLength(1);
  });
});

/** SDK 1 takes options third, SDK 2 second. */
function call(client: AnyClient, params: object, options: object): Promise<unknown> {
  if (client instanceof Client1) return client.callTool(params as never, undefined, options);
  return client.callTool(params, options);
}

