/** Child processes: what they are given, how they misbehave, and that none is left whatever happens. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { call, createWorld, fixture, NODE, stdioSettings, textOf, until, type World } from './harness.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => {
  vi.unstubAllEnvs();
  return world.end();
});
const raw = (args: string[] = [], more = {}) => world.connect(stdioSettings('raw-stdio.ts', args, more));

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('what a child may say', () => {
  test('malformed tools are left out one by one, and unknown fields are kept', async () => {
    const connector = await raw();
    const names = connector.tools().map((tool) => tool.name);
    expect(names).toEqual(['echo', 'number', 'deep', 'wrong-id', 'no-result', 'hang', 'late', 'giant', 'asked', '__proto__']);
    expect(connector.tools()[0]?.definition['x-unknown']).toEqual({ kept: [1, 2] });
    expect(world.lines.filter((line) => line.message.startsWith('a tool was left out'))).toHaveLength(6);
  });

  test('numbers come through as they were written', async () => {
    const result = await call(await raw(), 'number');
    expect(JSON.stringify(result)).toContain('"big":12345678901234567890,"huge":1e400');
  });

  test('a result nested 100,000 deep is refused, and the next call works [CONN-7]', async () => {
    const connector = await raw();
    expect(await call(connector, 'deep')).toMatchObject({ type: 'fault', reason: 'protocol' });
    expect(textOf(await call(connector, 'echo', { text: 'on' }))).toBe('on');
  });

  test('answers with ids that were never sent reach nobody', async () => {
    const connector = await raw();
    const [right, mine] = await Promise.all([call(connector, 'wrong-id'), call(connector, 'echo', { text: 'mine' })]);
    expect(textOf(right)).toBe('right');
    expect(textOf(mine)).toBe('mine');
  });

  test('a result that is no object is a protocol fault', async () => {
    expect(await call(await raw(), 'no-result')).toMatchObject({ type: 'fault', reason: 'protocol', executed: 'maybe' });
  });

  test('a line of 256 MB costs its own call only, and is not kept in memory [CONN-7]', async () => {
    const connector = await raw();
    const before = process.memoryUsage().rss;
    const [giant, small] = await Promise.all([call(connector, 'giant'), call(connector, 'echo', { text: 'small' })]);
    expect(giant).toMatchObject({ type: 'fault', reason: 'too-large' });
    expect(textOf(small)).toBe('small');
    expect(process.memoryUsage().rss - before).toBeLessThan(160 * 1024 * 1024);
  });

  test('an answer after the deadline is nobody\'s', async () => {
    const connector = await raw([], { timeoutMs: 100 });
    expect(await call(connector, 'late')).toMatchObject({ reason: 'timeout', executed: 'maybe' });
    await new Promise((resolve) => setTimeout(resolve, 350)); // The late answer arrives in this time.
    expect(textOf(await call(connector, 'echo', { text: 'mine' }))).toBe('mine');
  });

  test('garbage on stdout is logged and passed over', async () => {
    const connector = await raw(['noisy']);
    expect(textOf(await call(connector, 'echo', { text: 'fine' }))).toBe('fine');
    expect(world.lines.some((line) => line.fields['line'] === 'Welcome to the server!')).toBe(true);
  });

  test('what it asks of the client is answered: ping with a result, everything else with -32601', async () => {
    const connector = await raw(['asks']);
    const asked = await until('its questions are answered', async () => {
      const list = JSON.parse(textOf(await call(connector, 'asked'))) as { id: string; result?: object; code?: number }[];
      return list.length === 4 && list;
    });
    expect(asked).toEqual([
      { id: 'ask ping', result: {} },
      { id: 'ask roots/list', code: -32601 },
      { id: 'ask sampling/createMessage', code: -32601 },
      { id: 'ask elicitation/create', code: -32601 },
    ]);
  });
});

describe('the era', () => {
  test('a server that leaves the probe unanswered is opened with initialize within 4 s', async () => {
    const started = performance.now();
    const connector = await raw(['silent']);
    expect(connector.status()).toMatchObject({ state: 'ready', protocolVersion: '2025-06-18' });
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  test.each([['modern'], ['both']])('a server that is slow to start is still taken for what it is (%s)', async (only) => {
    const connector = await world.connect(stdioSettings('sdk2-server.ts', ['stdio', only], { env: { START_AFTER_MS: '3500' } }));
    expect(connector.status().state).toBe('ready');
    expect(textOf(await call(connector, 'echo', { text: 'slow' }))).toBe('slow');
  });
});

describe('starting', () => {
  test('a child gets what was declared and what programs need, and nothing else [CONN-5]', async () => {
    vi.stubEnv('SECRET_OF_OURS', 'x');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    const connector = await world.connect(stdioSettings('sdk1-server.ts', ['stdio'], { env: { DECLARED: 'yes' } }));
    const names = Object.keys(JSON.parse(textOf(await call(connector, 'environment'))) as object);
    const allowed = ['DECLARED', 'PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR'];
    expect(names).toContain('DECLARED');
    expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test('no shell: an argument is an argument [CONN-5]', async () => {
    const connector = await world.connect({ ...stdioSettings('raw-stdio.ts', ['$(touch /tmp/never)', ';', '`id`']) });
    expect(connector.status().state).toBe('ready');
  });

  test.each([
    ['npxx', /"npxx" was not found on PATH; did you mean "npx"\?/],
    ['./nowhere/server', /"\.\/nowhere\/server" does not exist/],
  ])('a command that is missing is said to be: %s', async (command, words) => {
    const connector = await world.connect({ ...stdioSettings('raw-stdio.ts'), command });
    expect(connector.status()).toMatchObject({ state: 'failed', toolCount: 0 });
    expect(connector.status().problem).toMatch(words);
    expect(connector.status().nextAttemptAt).toBeGreaterThan(Date.now() - 1_000);
    expect(await call(connector, 'echo')).toMatchObject({ type: 'fault', reason: 'unavailable', executed: 'no' });
  });

  test('a file that may not be executed and a folder that is not there are said to be', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'connectors-')), 'server');
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o644);
    expect((await world.connect({ ...stdioSettings('raw-stdio.ts'), command: file })).status().problem).toContain('chmod +x');
    expect((await raw([], { cwd: '/no/such/folder' })).status().problem).toContain('working directory "/no/such/folder"');
  });

  test('a server that exits at once says why, with its last words', async () => {
    const connector = await world.connect({ ...stdioSettings('raw-stdio.ts'), command: '/bin/sh', args: ['-c', 'echo "no licence" >&2; exit 3'] });
    expect(connector.status().problem).toBe('server "up": its process exited with code 3; its last words: no licence');
  });
});

describe('ending', () => {
  const grandchildren = (): number[] =>
    world.lines.flatMap(({ message }) => {
      const pid = /^grandchild (\d+)$/.exec(message)?.[1];
      return pid === undefined ? [] : [Number(pid)];
    });

  test('a child that ignores SIGTERM and the end of its input is gone after close, and its child too', async () => {
    const connector = await raw(['stubborn', 'child']);
    const pid = connector.status().pid as number;
    const [grandchild] = await until('the grandchild', () => grandchildren().length > 0 && grandchildren());
    await connector.close(400);
    await until('both are gone', () => !alive(pid) && !alive(grandchild as number), 3_000);
  });

  test('what a dead server leaves behind in its group goes with it', async () => {
    const connector = await raw(['child']);
    const [grandchild] = await until('the grandchild', () => grandchildren().length > 0 && grandchildren());
    process.kill(connector.status().pid as number, 'SIGKILL');
    await until('the grandchild is gone', () => !alive(grandchild as number), 5_000);
  });

  test('a gateway killed with -9 leaves no child and no grandchild [CONN-5]', async () => {
    const gateway = spawn(NODE, [fixture('gateway-like.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let groups: number[] = [];
    for await (const line of createInterface({ input: gateway.stdout })) {
      groups = line.replace('pids ', '').split(' ').map(Number);
      break;
    }
    expect(groups).toHaveLength(3);
    expect(groups.every((group) => alive(-group))).toBe(true);
    gateway.kill('SIGKILL');
    await until('every group is gone', () => groups.every((group) => !alive(-group)), 8_000);
  });
});
