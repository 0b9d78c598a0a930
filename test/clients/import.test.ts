import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatProblems, parseConfig } from '../../gateway/config/index.ts';
import { importServers, renderConfig, type ImportOptions } from '../../gateway/clients/index.ts';

function importOf(content: unknown, name = 'mcp.json', options: ImportOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-import-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return importFrom(folder, content, name, options);
}

function importFrom(folder: string, content: unknown, name = 'mcp.json', options: ImportOptions = {}) {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  const result = importServers(path, options);
  if (!result.ok) throw new Error(result.problem);
  const yaml = renderConfig(result.servers, { from: [path], variables: result.variables.map((variable) => variable.name) });
  const loaded = parseConfig(yaml, '/x/signalbox.yaml');
  if (!loaded.ok) throw new Error(`${formatProblems(loaded.problems)}\n${yaml}`);
  return { ...result, yaml, loaded: loaded.settings.servers };
}

describe('import', () => {
  test('secrets become references, the variables are listed, and no literal is written [CMD-4]', () => {
    const { servers, variables, yaml } = importOf({
      mcpServers: {
        github: { command: 'npx', args: ['-y', 'x', '--api-key', 'sk-hunter2-aaaa', '--token=hunter2', '--header', 'Authorization: Bearer hunter2', '--port', '8080'], env: { GITHUB_TOKEN: 'ghp_hunter2hunter2', MODE: 'fast' } },
        other: { command: 'x', env: { GITHUB_TOKEN: 'another-hunter2', DATABASE_URL: 'postgres://u:hunter2@db/x' } },
        web: { url: 'https://web.example/mcp?api_key=hunter2&v=1', headers: { Authorization: 'Bearer hunter2', 'X-Custom': 'hunter2', Accept: 'text/plain', 'User-Agent': 'mine' } },
        user: { url: 'https://me:hunter2@user.example/mcp' },
      },
    });
    expect(yaml).not.toContain('hunter2');
    expect(servers['github']).toEqual({
      command: 'npx',
      args: ['-y', 'x', '--api-key', '${env:GITHUB_API_KEY}', '--token=${env:GITHUB_TOKEN_3}', '--header', 'Authorization: Bearer ${env:GITHUB_AUTHORIZATION_BEARER}', '--port', '8080'],
      env: { GITHUB_TOKEN: '${env:GITHUB_TOKEN}', MODE: 'fast' },
    });
    expect(servers['other']?.env).toEqual({ GITHUB_TOKEN: '${env:OTHER_GITHUB_TOKEN}', DATABASE_URL: '${env:DATABASE_URL}' });
    expect(servers['web']).toEqual({ url: 'https://web.example/mcp?v=1&api_key=${env:WEB_API_KEY}', headers: { Authorization: 'Bearer ${env:WEB_AUTHORIZATION}', 'X-Custom': '${env:WEB_X_CUSTOM}', 'User-Agent': 'mine' } });
    expect(servers['user']).toEqual({ url: 'https://user.example/mcp', disabled: true });
    expect(variables).toContainEqual({ name: 'OTHER_GITHUB_TOKEN', server: 'other', member: 'env.GITHUB_TOKEN', inFile: true });
    for (const { name } of variables) expect(yaml).toContain(`#   ${name}`);
  });

  test('references of the IDE become ours', () => {
    const { servers, variables } = importOf({
      servers: {
        a: { type: 'http', url: 'https://${HOST}/mcp', headers: { Authorization: 'Bearer ${input:my-key}', 'X-B': '${env:B}', 'X-C': '${C:-c}' } },
        b: { command: 'npx', args: ['mcp-remote', 'https://x/', '--header', 'Authorization:${AUTH}'], env: { AUTH: 'Bearer hunter2' } },
      },
      inputs: [{ id: 'my-key', type: 'promptString' }],
    });
    expect(servers['a']).toEqual({ url: 'https://${env:HOST}/mcp', headers: { Authorization: 'Bearer ${env:MY_KEY}', 'X-B': '${env:B}', 'X-C': '${env:C:-c}' } });
    expect(servers['b']).toEqual({ command: 'npx', args: ['mcp-remote', 'https://x/', '--header', 'Authorization:$${AUTH}'], env: { AUTH: 'Bearer ${env:AUTH}' } });
    expect(variables.map(({ name, inFile }) => [name, inFile])).toEqual([['MY_KEY', false], ['B', false], ['HOST', false], ['AUTH', true]]);
  });

  test('names become legal ids that differ from each other and from those taken', () => {
    const { servers, notes, loaded } = importOf({ mcpServers: { 'GitHub MCP': { command: 'x' }, 'github-mcp': { command: 'x' }, a__b: { command: 'x' }, _: { command: 'x' }, '日本': { command: 'x' }, files: { command: 'x' }, ['x'.repeat(80)]: { command: 'x' } } }, 'mcp.json', { taken: ['files'] });
    expect(Object.keys(servers)).toEqual(['GitHub-MCP', 'github-mcp-2', 'a_b', 'server', 'server-2', 'files-2', 'x'.repeat(28)]);
    expect(loaded).toHaveLength(7);
    expect(notes).toContain('"GitHub MCP" is called "GitHub-MCP" here.');
  });

  test('what cannot be taken over is skipped with the reason, and the rest is taken', () => {
    const { servers, skipped } = importOf({ mcpServers: { a: {}, b: 'x', c: { command: 'npx -y foo' }, d: { url: 'ftp://x/' }, e: { command: 'x' } } });
    expect(Object.keys(servers)).toEqual(['e']);
    expect(skipped.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    expect(skipped[2]?.why).toContain('a whole command line');
  });

  test('Claude Code: the user\'s servers and those of this folder', () => {
    const file = { history: ['x'], mcpServers: { a: { command: 'x' } }, projects: { '/work': { mcpServers: { b: { command: 'x' } } }, '/other': { mcpServers: { c: { command: 'x' } } } } };
    expect(Object.keys(importOf(file, '.claude.json', { cwd: '/work' }).servers)).toEqual(['a', 'b']);
  });

  test('Codex: TOML in its own words', () => {
    const { servers } = importOf([
      'model = "x"', '[mcp_servers.a]', 'command = "npx"', 'args = ["-y"]', 'env_vars = ["HOME_TOKEN"]', 'tool_timeout_sec = 90', 'enabled = false',
      '[mcp_servers.b]', 'url = "https://b/mcp"', 'bearer_token_env_var = "B_TOKEN"', 'startup_timeout_sec = 1.5',
    ].join('\n'), 'config.toml');
    expect(servers).toEqual({
      a: { command: 'npx', args: ['-y'], env: { HOME_TOKEN: '${env:HOME_TOKEN}' }, timeoutMs: 90_000, disabled: true },
      b: { url: 'https://b/mcp', headers: { Authorization: 'Bearer ${env:B_TOKEN}' }, connectTimeoutMs: 1500 },
    });
  });

  test('a file that cannot be read is refused without showing its text', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-import-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, text] of [['a.json', '{"token": "hunter2'], ['a.toml', 'token = "hunter2']] as const) {
      writeFileSync(join(folder, name), text);
      const result = importServers(join(folder, name));
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).not.toContain('hunter2');
    }
    expect(importServers(join(folder, 'none.json'))).toMatchObject({ ok: false, problem: expect.stringContaining('does not exist') as string });
  });
});

describe('round trip', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('yes', '1', '~', 'null', '- a', 'a: b', '#x', '${A}', '${env:B}', '${input:c}', '$${', '${', '*', '&a', '! x', "it's", '"', '\n', ' x ', '<<', '__proto__', 'constructor'));
  const map = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });
  const entry = fc.oneof(
    fc.record({ command: fc.oneof(fc.constant('npx'), text), args: fc.array(text, { maxLength: 4 }), env: map, cwd: text }, { requiredKeys: ['command'], noNullPrototype: true }),
    fc.record({ url: fc.oneof(fc.constant('https://x.example/mcp?token=1'), fc.webUrl(), text), headers: map, type: fc.constantFrom('http', 'sse') }, { requiredKeys: ['url'], noNullPrototype: true }),
  );

  test('any IDE file is imported, rendered and loaded back: each server is there or skipped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-import-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    fc.assert(fc.property(fc.dictionary(text, entry, { maxKeys: 4, noNullPrototype: true }), (mcpServers) => {
      fc.pre(!JSON.stringify(mcpServers).includes('__proto__'));
      const { servers, skipped, loaded } = importFrom(folder, { mcpServers });
      expect(Object.keys(servers).length + skipped.length).toBe(Object.keys(mcpServers).length);
      expect(loaded.map(({ id }) => id)).toEqual(Object.keys(servers));
      for (const server of loaded) {
        const wanted = servers[server.id];
        if (server.type === 'stdio') expect([server.command, server.args, server.env]).toEqual([wanted?.command, wanted?.args ?? [], wanted?.env ?? {}]);
        else expect([server.url, server.headers]).toEqual([wanted?.url, wanted?.headers ?? {}]);
      }
    }), { numRuns: 400 });
  });

  test('what is offered as comments loads once it is taken out of them', () => {
    const yaml = renderConfig({ files: { command: 'npx' } }).replaceAll(/^# (?=rules:|limits:|profiles:|callers:| {2}(?:- |coding))/gm, '');
    const loaded = parseConfig(yaml, '/x/signalbox.yaml');
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
    if (loaded.ok) expect([loaded.settings.rules, loaded.settings.limits, loaded.settings.profiles, loaded.settings.callers].map(({ length }) => length)).toEqual([2, 1, 1, 1]);
  });
});
