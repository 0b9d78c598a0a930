import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientById, CLIENTS, connectEntry, findClientConfigs, mergeConnectEntry, type Client, type ClientId, type ConnectTarget } from '../../gateway/clients/index.ts';
import { mergeText } from '../../gateway/clients/connect.ts';

const target: ConnectTarget = { url: 'http://127.0.0.1:7420/mcp', keyVariable: 'SIGNALBOX_KEY', stdioCommand: { command: 'signalbox', args: ['stdio'] } };
const now = new Date('2026-11-22T16:30:00Z');

function client(id: ClientId): Client {
  const found = clientById(id);
  if (found === undefined) throw new Error(id);
  return found;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-connect-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const userPaths = (platform: NodeJS.Platform, home: string, env: Record<string, string>) => CLIENTS.flatMap((one) => one.locations({ home, cwd: '/w', platform, env })).filter(({ scope }) => scope === 'user').map(({ path }) => path);

describe('finding', () => {
  test('the files of every client are found where each keeps them', () => {
    const home = folder();
    const cwd = folder();
    const machine = { home, cwd, platform: 'linux', env: {} } as const;
    const paths = [`${home}/.claude.json`, `${cwd}/.mcp.json`, `${home}/.config/Claude/claude_desktop_config.json`, `${home}/.cursor/mcp.json`, `${home}/.config/Code/User/mcp.json`, `${cwd}/.vscode/mcp.json`, `${home}/.codeium/windsurf/mcp_config.json`, `${home}/.codex/config.toml`];
    expect(findClientConfigs(machine)).toEqual([]);
    for (const path of paths) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, '');
    }
    expect(findClientConfigs(machine).map(({ path }) => path)).toEqual(paths);
  });

  test('macOS and Windows keep them elsewhere', () => {
    expect(userPaths('darwin', '/Users/a', {})).toContain('/Users/a/Library/Application Support/Claude/claude_desktop_config.json');
    expect(userPaths('darwin', '/Users/a', {})).toContain('/Users/a/Library/Application Support/Code/User/mcp.json');
    expect(userPaths('win32', 'C:\\Users\\a', { APPDATA: 'D:\\Roaming' })).toContain('D:\\Roaming\\Claude\\claude_desktop_config.json');
    expect(userPaths('win32', 'C:\\Users\\a', {})).toContain('C:\\Users\\a\\.codex\\config.toml');
    expect(userPaths('linux', '/h', { CODEX_HOME: '/c', XDG_CONFIG_HOME: '/x' })).toEqual(expect.arrayContaining(['/c/config.toml', '/x/Code/User/mcp.json']));
  });
});

describe('the entry', () => {
  test.each(CLIENTS.map((one) => [one.id, one] as const))('%s: names the address or the command, and the key only by reference', (_id, one) => {
    const text = connectEntry(one, target);
    const value = (one.format === 'toml' ? parseToml(text) : JSON.parse(text)) as Record<string, Record<string, unknown>>;
    expect(value[one.key]?.['signalbox']).toEqual(one.entry(target));
    expect(text).toMatch(one.id === 'claude-desktop' ? /"signalbox"[^]*"stdio"/ : /SIGNALBOX_KEY/);
    expect(connectEntry(one, { ...target, prefer: 'stdio' })).toContain('stdio');
    const { keyVariable: _key, ...open } = target;
    expect(connectEntry(one, open)).not.toMatch(/Bearer|SIGNALBOX_KEY/);
  });
});

describe('merging', () => {
  const JSONC = '\ufeff{\r\n\t// mine\r\n\t"other": {"a": [1,2 ,3]}, /* keep */\r\n\t"mcpServers": {\r\n\t\t"files": { "command": "npx" }, // files\r\n\t},\r\n}\r\n';

  test('JSON: comments, order, indentation, line ends and other members stay as they were', () => {
    const path = file('mcp.json', JSONC);
    expect(mergeConnectEntry({ client: client('cursor'), target, path, now }).type).toBe('written');
    const text = readFileSync(path, 'utf8');
    const entry = ['', '"signalbox": {', '\t"url": "http://127.0.0.1:7420/mcp",', '\t"headers": {', '\t\t"Authorization": "Bearer ${env:SIGNALBOX_KEY}"', '\t}', '},'].join('\r\n\t\t');
    expect(text).toBe(JSONC.replace('"mcpServers": {', `"mcpServers": {${entry}`));
    mergeConnectEntry({ client: client('cursor'), target: { ...target, url: 'http://127.0.0.1:1/mcp' }, path, now });
    expect(readFileSync(path, 'utf8')).toBe(text.replace(':7420/', ':1/'));
  });

  test('there is a backup with the time in its name, the mode is kept, and nothing else is left [CMD-3]', () => {
    const path = file('mcp.json', '{}', 0o640);
    const result = mergeConnectEntry({ client: client('vscode'), target, path, now });
    expect(result).toEqual({ type: 'written', path, backup: `${path}.20261122-163000.bak` });
    expect(readFileSync(`${path}.20261122-163000.bak`, 'utf8')).toBe('{}');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(mergeConnectEntry({ client: client('vscode'), target: { ...target, url: 'http://127.0.0.1:1/mcp' }, path, now })).toMatchObject({ backup: `${path}.20261122-163000-1.bak` });
    expect(readdirSync(join(path, '..')).sort()).toEqual(['mcp.json', 'mcp.json.20261122-163000-1.bak', 'mcp.json.20261122-163000.bak']);
  });

  test.each(CLIENTS.map((one) => [one.id, one] as const))('%s: a file that is not there is made, and a second time changes nothing', (_id, one) => {
    const path = join(folder(), 'new', one.format === 'toml' ? 'config.toml' : 'mcp.json');
    expect(mergeConnectEntry({ client: one, target, path, now })).toEqual({ type: 'written', path });
    expect(mergeConnectEntry({ client: one, target, path, now })).toEqual({ type: 'unchanged', path });
    expect(readdirSync(join(path, '..'))).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('a symbolic link stays one, and what it points to is changed', () => {
    const real = file('real.json', '{}');
    const path = join(folder(), 'mcp.json');
    symlinkSync(real, path);
    expect(mergeConnectEntry({ client: client('cursor'), target, path, now }).type).toBe('written');
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toContain('signalbox');
  });

  test.each([
    ['cursor', '{"mcpServers": {', 'Nothing was changed'],
    ['cursor', '[]', 'expected an object'],
    ['cursor', '{"mcpServers": []}', 'is no map of servers'],
    ['cursor', '{"mcpServers": {}, "mcpServers": {}}', 'given twice'],
    ['codex', '[mcp_servers.a\ntoken = "hunter2"', 'not valid TOML'],
    ['codex', 'mcp_servers = { signalbox = { url = "hunter2" } }', 'cannot be edited safely'],
    ['codex', 'mcp_servers = 1', 'is no map of servers'],
  ] as const)('%s: %s is refused unharmed', (id, text, words) => {
    const path = file(id === 'codex' ? 'config.toml' : 'mcp.json', text);
    const result = mergeConnectEntry({ client: client(id), target, path, now });
    expect(result).toMatchObject({ type: 'refused', problem: expect.stringContaining(words) as string });
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(join(path, '..'))).toHaveLength(1);
  });

  test('a folder that cannot be made or written is refused in words', () => {
    const blocked = file('blocked', '');
    expect(mergeConnectEntry({ client: client('cursor'), target, path: join(blocked, 'x', 'mcp.json'), now })).toMatchObject({ type: 'refused' });
  });

  const TOML = [
    '# mine', 'model = "o"   # keep', '', 'notes = """', '[mcp_servers.signalbox]', '"""', '', '[mcp_servers.signalbox] # old', 'command = "old"', '',
    '[mcp_servers.signalbox.env]', 'A = "b"', '', '# about files', '[mcp_servers.files]', 'command = "npx"', '',
  ].join('\n');

  test('TOML: the one table is replaced with those within it, and every other line stays', () => {
    const path = file('config.toml', TOML);
    expect(mergeConnectEntry({ client: client('codex'), target, path, now }).type).toBe('written');
    const entry = '[mcp_servers.signalbox]\nurl = "http://127.0.0.1:7420/mcp"\nbearer_token_env_var = "SIGNALBOX_KEY"';
    const [before = '', after = ''] = TOML.split(/\[mcp_servers\.signalbox\] # old[^]*A = "b"/);
    expect(readFileSync(path, 'utf8')).toBe(`${before}${entry}${after}`);
  });

  test('TOML: a new table goes to the end', () => {
    const path = file('config.toml', '# mine\nmodel = "o" # keep\n\n[x]\ny = 1');
    mergeConnectEntry({ client: client('codex'), target, path, now });
    expect(readFileSync(path, 'utf8')).toBe(`# mine\nmodel = "o" # keep\n\n[x]\ny = 1\n\n${connectEntry(client('codex'), target)}`);
  });

  test('any file is merged with all else unchanged in value, or refused [CMD-3]', () => {
    const value = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('mcpServers', 'signalbox', 'a')), fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true });
    const json = fc.oneof(value, fc.record({ mcpServers: value }, { noNullPrototype: true })).chain((whole) => fc.constantFrom(0, 1, 2, '\t').map((indent) => JSON.stringify(whole, null, indent)));
    fc.assert(fc.property(fc.oneof(json, fc.string()), (text) => {
      const merged = mergeText(client('cursor'), target, text, 'mcp.json');
      if (!merged.ok) {
        expect(merged.problem).toContain('changed');
        return;
      }
      const before = text.trim() === '' ? {} : (parseJsonc(text) as Record<string, Record<string, unknown>>);
      const after = parseJsonc(merged.text) as Record<string, unknown>;
      expect(after).toEqual({ ...before, mcpServers: { ...before['mcpServers'], signalbox: client('cursor').entry(target) } });
    }), { numRuns: 500 });
  });
});
