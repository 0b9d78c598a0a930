import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../gateway/config/index.ts';
import { newPlace, SIGNALBOX, until, type Place } from './support.ts';

const FILES = { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/tmp'] };
const TOKEN = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';

function withIdes(place: Place): void {
  mkdirSync(join(place.home, '.cursor'));
  const cursor = { mcpServers: { files: FILES, github: { command: 'gh-mcp', env: { GITHUB_TOKEN: TOKEN } }, signalbox: { url: 'http://localhost:7420/mcp' } } };
  writeFileSync(join(place.home, '.cursor', 'mcp.json'), JSON.stringify(cursor));
  const claude = { mcpServers: { files: FILES, box: { command: process.execPath, args: [SIGNALBOX, 'stdio', '-c', 'x.yaml'] } }, other: 1 };
  writeFileSync(join(place.home, '.claude.json'), JSON.stringify(claude));
}

const serversOf = (path: string): string[] => {
  const loaded = loadConfig(path);
  return loaded.ok ? loaded.settings.servers.map(({ id }) => id) : [];
};

describe('check', () => {
  it('says that a file is valid, what is in it, and which secrets are missing where', async () => {
    const place = newPlace('servers:\n  web: { url: "http://127.0.0.1:9/mcp", headers: { authorization: "Bearer ${env:NOT_SET_HERE}" } }\ncallers: [{ id: alice, key: "${env:NOT_SET_EITHER}" }]\n');
    const { code, out, err } = await place.run('check');
    expect([code, out]).toEqual([0, `${join(place.dir, 'signalbox.yaml')} is valid: 1 server, 0 profiles, 1 caller, 0 rules, 0 limits.\n`]);
    expect(err).toMatch(/signalbox\.yaml:2:\d+ {2}servers\.web\.headers\.authorization: the environment variable NOT_SET_HERE is not set/);
    expect(err).toMatch(/signalbox\.yaml:3:\d+ {2}callers\[0\]\.key: .*The gateway does not start without it\./);
  });

  it('says every mistake with its place and ends with 2, in words and as JSON', async () => {
    const place = newPlace('servrs: {}\nlisten: { port: 99999 }\n');
    const [words, json] = await Promise.all([place.run('check'), place.run('check', '--json')]);
    expect(words).toMatchObject({ code: 2, out: '' });
    expect(words.err).toMatch(/:1:1 {2}servrs: unknown key\. Did you mean "servers"\?\n.*:2:17 {2}listen\.port: .*\n2 problems in /);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, problems: [{ path: 'servrs', line: 1 }, { path: 'listen.port', line: 2 }], warnings: [] });
  });

  it('where there is nothing to check says what to do', async () => {
    expect(await newPlace().run('check')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('signalbox init') as string });
  });
});

describe('init', () => {
  it('takes the servers of the IDEs, each once, none that is Signalbox itself, and no secret', async () => {
    const place = newPlace();
    withIdes(place);
    const { code, out } = await place.run('init');
    const path = join(place.dir, 'signalbox.yaml');
    expect(code).toBe(0);
    expect(serversOf(path)).toEqual(['files', 'github']);
    expect(readFileSync(path, 'utf8')).not.toContain(TOKEN);
    expect(out).not.toContain(TOKEN);
    expect(out).toMatch(/from Claude Code \(.*\): files\n {2}from Cursor \(.*\): github\n/);
    expect(out).toMatch(/^ {2}GITHUB_TOKEN +github, env\.GITHUB_TOKEN +its value stands in the IDE's file$/m);
    expect((await place.run('check')).code).toBe(0);
  });

  it('replaces nothing, unless told to; then what was there is kept beside it', async () => {
    const place = newPlace('# mine\nservers: {}\n');
    withIdes(place);
    const path = join(place.dir, 'signalbox.yaml');
    expect(await place.run('init')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('is there already') as string });
    expect(readFileSync(path, 'utf8')).toBe('# mine\nservers: {}\n');
    const forced = await place.run('init', '--force', '--json');
    const { backup } = JSON.parse(forced.out) as { backup: string };
    expect(readFileSync(backup, 'utf8')).toBe('# mine\nservers: {}\n');
    expect(serversOf(path)).toEqual(['files', 'github']);
  });
});

describe('import', () => {
  it('prints what it would add, and adds it with --write: the rest of the file stays as it is, and a second time nothing', async () => {
    const config = '# mine\nservers:\n    own:   { command: x } # kept\n# after\nrules: []\n';
    const place = newPlace(config);
    const path = join(place.dir, 'signalbox.yaml');
    place.write('mcp.json', JSON.stringify({ mcpServers: { own: { command: 'other' }, files: FILES } }));
    const printed = await place.run('import', 'mcp.json');
    expect(printed.out).toMatch(/^servers:\n {2}own-2:\n {4}command: other\n {2}files:\n/);
    expect(readFileSync(path, 'utf8')).toBe(config);
    expect((await place.run('import', 'mcp.json', '--write')).code).toBe(0);
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith('# mine\nservers:\n    own:   { command: x } # kept\n')).toBe(true);
    expect(text.endsWith('# after\nrules: []\n')).toBe(true);
    expect(serversOf(path)).toEqual(['own', 'own-2', 'files']);
    expect(await place.run('import', 'mcp.json', '--write')).toMatchObject({ code: 0, out: '', err: expect.stringContaining('There is nothing to add.') as string });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(place.dir).filter((name) => name.endsWith('.bak'))).toHaveLength(1);
  });

  it('adds to no configuration that is wrong, and takes nothing from a file without servers', async () => {
    const place = newPlace('servrs: {}\n');
    place.write('mcp.json', JSON.stringify({ mcpServers: { files: FILES } }));
    place.write('empty.json', '{}');
    expect(await place.run('import', 'mcp.json', '--write')).toMatchObject({ code: 2, err: expect.stringContaining('Nothing was changed') as string });
    expect(readFileSync(join(place.dir, 'signalbox.yaml'), 'utf8')).toBe('servrs: {}\n');
    expect((await place.run('import', 'empty.json')).code).toBe(1);
    expect(await place.run('import', 'nothing.json')).toMatchObject({ code: 1, err: expect.stringContaining('does not exist') as string });
  });
});

describe('connect', () => {
  it('prints an entry with the configured address, and the variable that holds the key rather than the key', async () => {
    const place = newPlace('listen: { port: 7999 }\ncallers: [{ id: alice, key: "${env:ALICE_KEY}" }]\n');
    const [cursor, codex, codeJson] = await Promise.all([place.run('connect', 'cursor'), place.run('connect', 'codex'), place.run('connect', 'claude-code', '--json')]);
    expect(JSON.parse(cursor.out)).toEqual({ mcpServers: { signalbox: { url: 'http://127.0.0.1:7999/mcp', headers: { Authorization: 'Bearer ${env:ALICE_KEY}' } } } });
    expect(cursor.err).toContain('Set ALICE_KEY to the key of "alice" where Cursor is started.');
    expect(codex.out).toBe('[mcp_servers.signalbox]\nurl = "http://127.0.0.1:7999/mcp"\nbearer_token_env_var = "ALICE_KEY"\n');
    expect(JSON.parse(codeJson.out)).toMatchObject({ path: join(place.home, '.claude.json'), entry: { type: 'http', headers: { Authorization: 'Bearer ${ALICE_KEY}' } } });
    expect(existsSync(join(place.home, '.cursor'))).toBe(false);
  });

  it('prints the address of the gateway that runs, but not of one that goes with its users', async () => {
    const place = newPlace('data: ./data\nlisten: { port: 7999 }\n');
    const addressWhile = async (...extra: string[]) => {
      const gateway = place.start(process.execPath, 'serve', '--port', '0', ...extra);
      await until(() => gateway.out().includes('listening'));
      const { mcpServers } = JSON.parse((await place.run('connect', 'windsurf')).out) as { mcpServers: { signalbox: { serverUrl: string } } };
      gateway.child.kill('SIGTERM');
      await gateway.ended;
      return { printed: mcpServers.signalbox.serverUrl, running: `${/listening on (\S+)/.exec(gateway.out())?.[1]}/mcp` };
    };
    const lasting = await addressWhile();
    expect(lasting.printed).toBe(lasting.running);
    expect((await addressWhile('--ephemeral')).printed).toBe('http://127.0.0.1:7999/mcp');
  });

  it('starts this very program where the client wants a process, wherever it is started', async () => {
    const place = newPlace('profiles: { coding: { include: ["*"] } }\ncallers: [{ id: alice }, { id: bob }]\n');
    const { out } = await place.run('connect', 'claude-desktop', '--as', 'bob', '--profile', 'coding');
    expect(JSON.parse(out)).toEqual({
      mcpServers: { signalbox: { command: process.execPath, args: [SIGNALBOX, 'stdio', '-c', join(place.dir, 'signalbox.yaml'), '--profile', 'coding', '--as', 'bob'] } },
    });
  });

  it('merges with a backup, once', async () => {
    const place = newPlace('servers: {}\n');
    withIdes(place);
    const path = join(place.home, '.cursor', 'mcp.json');
    const before = readFileSync(path, 'utf8');
    const merged = await place.run('connect', 'cursor', '--write', '--stdio', '--json');
    const { type, backup } = JSON.parse(merged.out) as { type: string; backup: string };
    expect([merged.code, type, readFileSync(backup, 'utf8')]).toEqual([0, 'written', before]);
    const { mcpServers } = JSON.parse(readFileSync(path, 'utf8')) as { mcpServers: Record<string, object> };
    expect(mcpServers).toMatchObject({ files: FILES, signalbox: { command: process.execPath } });
    expect((await place.run('connect', 'cursor', '--write', '--stdio')).out).toContain('has this entry already');
  });

  it('to what is not there says what is: clients, callers, profiles, an address', async () => {
    const place = newPlace('listen: { port: 0 }\nprofiles: { coding: { include: ["*"] } }\ncallers: [{ id: alice, profiles: [coding] }]\n');
    const [client, caller, profile, noProfile, noPort] = await Promise.all([
      place.run('connect', 'cursr'),
      place.run('connect', 'cursor', '--as', 'alcie'),
      place.run('connect', 'cursor', '--profile', 'codign'),
      place.run('connect', 'cursor'),
      place.run('connect', 'cursor', '--profile', 'coding'),
    ]);
    expect([client, caller, profile, noProfile, noPort].map(({ code, out }) => [code, out])).toEqual(Array.from({ length: 5 }, () => [2, '']));
    expect([client.err, caller.err, profile.err, noProfile.err, noPort.err]).toEqual([
      expect.stringContaining('Did you mean "cursor"?'),
      expect.stringContaining('Did you mean "alice"?'),
      expect.stringContaining('Did you mean "coding"?'),
      expect.stringContaining('Add "--profile NAME". There is: coding.'),
      expect.stringContaining('takes any free port'),
    ]);
  });
});
