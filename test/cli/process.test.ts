import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../gateway/cli/program.ts';
import { createRecordLines } from '../../gateway/cli/record-lines.ts';
import { leadsToUs } from '../../gateway/cli/ourselves.ts';
import { table } from '../../gateway/cli/print.ts';
import { isAlive, newPlace, SERVERS, SIGNALBOX, until } from './support.ts';

const OLD_NODE = ['/usr/local/bin/node', '/usr/bin/node', '/bin/node'].find((path) => existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]) < 22);

/** Every command with the words before it, `keys create`. */
function commandsOf(program: ReturnType<typeof createProgram>, before = ''): { name: string; options: string[]; isGroup: boolean }[] {
  return program.commands.flatMap((command) => {
    const name = `${before}${command.name()}`;
    const options = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long as string);
    return [{ name, options, isGroup: command.commands.length > 0 }, ...commandsOf(command, `${name} `)];
  });
}

describe('docs/cli.md', () => {
  const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const sections = text.split(/^### /m).slice(1);
  const commands = commandsOf(createProgram()).filter(({ isGroup }) => !isGroup);

  it('has every command with every option, and none that is not there [CMD-1]', () => {
    expect(sections.map((section) => /^`signalbox ([a-z-]+(?: [a-z-]+)*)/.exec(section)?.[1])).toEqual(commands.map(({ name }) => name));
    for (const [at, { name, options }] of commands.entries()) {
      const special = options.filter((option) => option !== '--config' && option !== '--data' && option !== '--lines' && option !== '--follow');
      for (const option of special) expect(sections[at], `${name} ${option}`).toContain(option);
      expect(sections[at], name).toMatch(/```\n[\s\S]+```/);
    }
  });
});

describe('the process', () => {
  it('says of a wrong command line what is wrong, without a stack, and ends with 2 [CMD-1]', async () => {
    const place = newPlace();
    const wrong = [['tols'], ['tools', '--profil', 'x'], ['serve', '--port', '70000'], ['audit', 'tail', '-n', '0'], ['call'], ['check', 'signalbox.yaml'], ['keys'], []];
    for (const { code, out, err } of await Promise.all(wrong.map((args) => place.run(...args)))) {
      expect([code, out]).toEqual([2, '']);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });

  it('says of files and folders that cannot be used which and why, without a stack', async () => {
    const place = newPlace(SERVERS);
    const file = place.write('a-file', '');
    const ended = await Promise.all([place.run('tools', '--data', file), place.run('keys', 'list', '--data', file), place.run('serve', '--data', `${file}/below`), place.run('tools', '-c', 'nowhere.yaml')]);
    for (const { code, out, err } of ended) {
      expect([code === 1 || code === 2, out]).toEqual([true, '']);
      expect(err).toMatch(/a-file|nowhere\.yaml/);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });

  it('whose reader has gone ends quietly', async () => {
    const place = newPlace(SERVERS);
    await place.run('call', 'up__echo');
    const command = `'${process.execPath}' '${SIGNALBOX}' audit tail -f --json | head -n 1; echo "\${PIPESTATUS[@]}"`;
    const ending = promisify(execFile)('bash', ['-c', command], { cwd: place.dir, encoding: 'utf8', timeout: 30_000, env: { PATH: process.env['PATH'], HOME: place.home } });
    let over = false;
    const ended = ending.then(({ stdout }) => stdout).finally(() => (over = true));
    // That nobody reads any more is seen by whoever writes.
    while (!over) await Promise.race([ended, place.run('call', 'up__echo')]);
    const out = await ended;
    expect(out).toMatch(/^\{"seq":1,.*\}\n0 0\n$/);
  });
});

describe.runIf(OLD_NODE !== undefined)('started by an old Node.js', () => {
  it('hands over: output, exit codes and signals are those of the other process', async () => {
    const place = newPlace(SERVERS);
    const call = await place.start(OLD_NODE as string, 'call', 'up__echo', '{"a":1}').ended;
    expect(call).toEqual({ code: 0, out: '{"a":1}\n', err: '' });
    expect((await place.start(OLD_NODE as string, 'status').ended).code).toBe(1);
    const gateway = place.start(OLD_NODE as string, 'serve', '--port', '0');
    await until(() => gateway.out().includes('listening'));
    gateway.child.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  });

  it('and killed with -9, takes the other process and its servers along', async () => {
    const place = newPlace(SERVERS);
    const gateway = place.start(OLD_NODE as string, 'serve', '--port', '0');
    await until(() => gateway.out().includes('listening'));
    await until(async () => (await place.run('status')).out.includes('ready'));
    const { pid, servers } = JSON.parse((await place.run('status', '--json')).out) as { pid: number; servers: { pid: number }[] };
    expect(pid).not.toBe(gateway.child.pid);
    gateway.child.kill('SIGKILL');
    await until(() => !isAlive(pid) && servers.every((server) => !isAlive(server.pid)));
    expect((await place.run('status')).code).toBe(1);
  });
});

describe('lines', () => {
  it('of the ledger: one for each call when it has ended, whatever peers put into names', () => {
    const lines = createRecordLines();
    const common = { prev: '', time: 0 };
    expect(lines.add({ ...common, seq: 1, kind: 'intent', call: 'c1', caller: 'a\u001b[2J', tool: 's/t', effect: 'allow', rule: 'r' })).toEqual([]);
    expect(lines.open()).toEqual(['1970-01-01 00:00:00.000  a\\u001b[2J  s/t  allow (r)  under way']);
    expect(lines.add({ ...common, seq: 2, kind: 'outcome', call: 'c1', outcome: 'failed', code: 'upstream_lost', totalMs: 12.3 })).toEqual(['1970-01-01 00:00:00.000  a\\u001b[2J  s/t  allow (r)  failed upstream_lost  12 ms']);
    expect(lines.add({ ...common, seq: 3, kind: 'refused', call: 'c2', caller: 'b', name: 'x', effect: 'allow', code: 'rate_limited', limit: 'l' })).toEqual(['1970-01-01 00:00:00.000  b  x  allow  refused rate_limited by limit l']);
    expect(lines.add({ ...common, seq: 4, kind: 'outcome', call: 'c0', outcome: 'completed', totalMs: 1 })).toEqual(['1970-01-01 00:00:00.000  call c0  completed  1 ms']);
    expect(lines.open()).toEqual([]);
  });

  it('of a table are aligned, and on a terminal cut at its edge', () => {
    expect(table([['a', 'one'], ['longer', 'two\nlines']], Infinity)).toBe('a       one\nlonger  two\\u000alines');
    expect(table([['name', 'x'.repeat(50)]], 30)).toBe(`name  ${'x'.repeat(23)}…`);
  });
});

describe('an entry leads to this gateway', () => {
  const us = { host: '127.0.0.1', port: 7420 };
  it.each([
    [{ url: 'http://localhost:7420/mcp' }, true],
    [{ url: 'http://127.0.0.1:7420/mcp/coding' }, true],
    [{ url: 'http://localhost:7421/mcp' }, false],
    [{ url: 'http://localhost:7420/mcpx' }, false],
    [{ url: 'https://example.com:7420/mcp' }, false],
    [{ command: '/x/bin/signalbox', args: ['stdio'] }, true],
    [{ command: 'node', args: ['/x/bin/signalbox', 'stdio', '-c', 'y'] }, true],
    [{ command: 'npx', args: ['-y', 'signalbox', 'stdio'] }, true],
    [{ command: 'npx', args: ['signalbox-helper', 'stdio'] }, false],
  ])('%j: %s', (entry, expected) => {
    expect(leadsToUs(entry, us)).toBe(expected);
  });
});
