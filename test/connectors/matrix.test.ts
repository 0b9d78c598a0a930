/** Every transport and era against every thing that a call can do, over real SDK servers. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancelSource } from '../../core/cancel.ts';
import type { ServerSettings } from '../../core/settings.ts';
import { call, createWorld, httpSettings, stdioSettings, textOf, until, type Progress, type World } from './harness.ts';

interface Kind {
  readonly name: string;
  readonly protocol: string;
  readonly transport: string;
  readonly listChanges: boolean;
  settings(world: World, executions: string): Promise<ServerSettings>;
}

const overHttp = (file: string, args: string[], path: string) => async (world: World, executions: string) =>
  httpSettings(`${(await world.serve(file, args, { EXECUTIONS: executions })).origin}${path}`);
const overStdio = (file: string, args: string[]) => async (_world: World, executions: string) => stdioSettings(file, args, { env: { EXECUTIONS: executions } });

const KINDS: readonly Kind[] = [
  { name: 'stdio, 2025', protocol: '2025-11-25', transport: 'stdio', listChanges: true, settings: overStdio('sdk1-server.ts', ['stdio']) },
  { name: 'stdio, 2026', protocol: '2026-07-28', transport: 'stdio', listChanges: true, settings: overStdio('sdk2-server.ts', ['stdio']) },
  { name: 'stdio, 2026 only', protocol: '2026-07-28', transport: 'stdio', listChanges: true, settings: overStdio('sdk2-server.ts', ['stdio', 'modern']) },
  { name: 'http with sessions, 2025', protocol: '2025-11-25', transport: 'http', listChanges: true, settings: overHttp('sdk1-server.ts', ['http'], '/mcp') },
  { name: 'http without sessions, 2025', protocol: '2025-11-25', transport: 'http', listChanges: false, settings: overHttp('sdk1-server.ts', ['stateless'], '/mcp') },
  { name: 'http, 2026', protocol: '2026-07-28', transport: 'http', listChanges: true, settings: overHttp('sdk2-server.ts', ['http'], '/mcp') },
  { name: 'http+sse, found by falling back', protocol: '2025-11-25', transport: 'sse', listChanges: true, settings: overHttp('sdk1-server.ts', ['sse'], '/sse') },
];

describe.each(KINDS)('$name', (kind) => {
  let world: World;
  let executions: string;
  beforeEach(() => {
    world = createWorld();
    executions = join(mkdtempSync(join(tmpdir(), 'connectors-')), 'executions');
  });
  afterEach(() => world.end());
  const connect = async (more: Partial<ServerSettings> = {}) => world.connect({ ...(await kind.settings(world, executions)), ...more } as ServerSettings);
  const executed = (): string => {
    try {
      return readFileSync(executions, 'utf8');
    } catch {
      return '';
    }
  };

  test('its era and transport are found, and its tools listed [CONN-1]', async () => {
    const connector = await connect();
    expect(connector.status()).toMatchObject({ state: 'ready', transport: kind.transport, protocolVersion: kind.protocol, serverInfo: { name: 'fixture' } });
    expect(connector.tools().map((tool) => tool.name)).toEqual(expect.arrayContaining(['echo', 'add', 'slow']));
    expect(connector.tools()).toBe(connector.tools());
  });

  test('a call is answered [CONN-1]', async () => {
    expect(textOf(await call(await connect(), 'add', { a: 2, b: 40 }))).toBe('42');
  });

  test('a tool error is a result, and an unknown tool is said to be one', async () => {
    const connector = await connect();
    expect(await call(connector, 'fail')).toMatchObject({ type: 'result', result: { isError: true } });
    const unknown = await call(connector, 'no such tool');
    expect(unknown.type === 'error' || (unknown.type === 'result' && unknown.result['isError'] === true)).toBe(true);
    expect(connector.status().breaker).toBe('closed');
  });

  test('progress arrives in order, and only before the answer', async () => {
    const connector = await connect();
    const seen: Progress[] = [];
    let answered = false;
    let late = 0;
    const onProgress = (progress: Progress): void => {
      if (answered) late++;
      seen.push(progress);
    };
    const result = await call(connector, 'slow', { steps: 3, stepMs: 20 }, { onProgress });
    answered = true;
    expect(textOf(result)).toBe('done');
    // A server that answers with plain JSON has no way to tell of progress.
    if (kind.name !== 'http without sessions, 2025') expect(seen.map(({ progress }) => progress)).toEqual([1, 2, 3]);
    expect(late).toBe(0);
  });

  test('a cancelled call ends at once, and the server hears of it', async () => {
    const connector = await connect();
    const cancellation = new CancelSource();
    const answer = call(connector, 'slow', { steps: 200, stepMs: 25 }, { cancellation });
    await until('the call is under way', () => connector.status().inFlight === 1);
    await new Promise((resolve) => setTimeout(resolve, 100)); // It has to have begun there; nothing tells us when.
    cancellation.cancel('enough');
    expect(await answer).toMatchObject({ type: 'fault', reason: 'cancelled', executed: 'maybe' });
    expect(connector.status().inFlight).toBe(0);
    // Without a session there is no way to name the call (SDK 1 stateless).
    if (kind.name !== 'http without sessions, 2025') await until('the server stops', () => executed().includes('cancelled'));
    expect(textOf(await call(connector, 'echo', { text: 'on' }))).toBe('on');
  });

  test('a deadline ends the call, and the next one works [CONN-4]', async () => {
    const connector = await connect({ timeoutMs: 300 });
    expect(await call(connector, 'slow', { steps: 1, stepMs: 5_000 })).toMatchObject({ type: 'fault', reason: 'timeout', executed: 'maybe' });
    expect(textOf(await call(connector, 'echo', { text: 'on' }))).toBe('on');
  });

  test('an answer above the cap is refused, and nothing else is harmed', async () => {
    const connector = await connect({ maxResponseBytes: 50_000 });
    const [large, small] = await Promise.all([call(connector, 'big', { bytes: 3_000_000 }), call(connector, 'echo', { text: 'small' })]);
    expect(large).toMatchObject({ type: 'fault', reason: 'too-large' });
    expect(textOf(small)).toBe('small');
    expect(textOf(await call(connector, 'big', { bytes: 10_000 }))).toHaveLength(10_000);
  });

  test.runIf(kind.listChanges)('a changed list is listed again by itself', async () => {
    const connector = await connect();
    const before = connector.tools();
    let changes = 0;
    connector.onChange(() => changes++);
    await new Promise((resolve) => setTimeout(resolve, 150)); // For the stream of notifications, which nothing waits for.
    await call(connector, 'toggle');
    await until('the new tool', () => connector.tools().some((tool) => tool.name === 'extra'));
    expect(connector.tools()).not.toBe(before);
    expect(changes).toBeGreaterThan(0);
  });

  test('2,000 calls in parallel each get their own answer', async () => {
    const connector = await connect();
    const answers = await Promise.all(Array.from({ length: 2_000 }, (_, n) => call(connector, 'echo', { text: `text ${n}` })));
    expect(answers.map(textOf)).toEqual(Array.from({ length: 2_000 }, (_, n) => `text ${n}`));
    expect(connector.status()).toMatchObject({ inFlight: 0, queued: 0 });
  });

  test.runIf(kind.transport === 'stdio')('a server that died is connected to again, and the call it died in was perhaps executed', async () => {
    const connector = await connect();
    expect(await call(connector, 'crash')).toMatchObject({ type: 'fault', reason: 'lost', executed: 'maybe' });
    expect(connector.status()).toMatchObject({ state: 'failed', toolCount: 0 });
    expect(connector.status().problem).toContain('exited with code 7');
    expect(connector.tools()).toEqual([]);
    await until('it is back', () => connector.status().state === 'ready');
    expect(textOf(await call(connector, 'echo', { text: 'back' }))).toBe('back');
  });

  test('closed, it refuses calls and leaves no process', async () => {
    const connector = await connect();
    const { pid } = connector.status();
    await connector.close(1_000);
    expect(await call(connector, 'echo', { text: 'x' })).toMatchObject({ type: 'fault', reason: 'unavailable', executed: 'no' });
    if (pid !== undefined) expect(() => process.kill(-pid, 0)).toThrow();
  });
});
