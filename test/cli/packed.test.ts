import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { newPlace, SERVERS, until, type Place } from './support.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), 'signalbox-packed-'));
const modules = join(home, 'node_modules');
const program = join(modules, 'signalbox', 'bin', 'signalbox');

beforeAll(() => {
  // `npm test` has just built it.
  if (!existsSync(join(ROOT, 'dist/main.js'))) execFileSync(process.execPath, [join(ROOT, 'tooling/build.ts')]);
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', home], { cwd: ROOT });
  mkdirSync(join(modules, 'signalbox'), { recursive: true });
  const [tarball] = readdirSync(home).filter((file) => file.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(home, tarball as string), '--strip-components=1', '-C', join(modules, 'signalbox')]);
  // The one package that is not bundled; nothing else can be found from there.
  symlinkSync(join(ROOT, 'node_modules', 'better-sqlite3'), join(modules, 'better-sqlite3'));
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

const settings = (place: Place) => ({ cwd: place.dir, env: { PATH: process.env['PATH'] ?? '', HOME: place.home } });

async function run(place: Place, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [program, ...args], settings(place))).stdout;
}

/** @returns what it prints, as it prints it */
function start(place: Place, ...args: string[]): { child: ChildProcess; out: () => string } {
  const child = spawn(process.execPath, [program, ...args], { ...settings(place), stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await until(() => child.exitCode !== null || child.signalCode !== null);
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  return { child, out: () => out };
}

it('the package runs with nothing beside it but SQLite: ledger, servers, metrics, admin and bridge', async () => {
  const place = newPlace(SERVERS);
  expect(await run(place, 'call', 'up__echo', '{"a":1}')).toBe('{"a":1}\n');
  const gateway = start(place, 'serve', '--port', '0');
  await until(() => gateway.out().includes('listening on '));
  const url = /listening on (\S+)/.exec(gateway.out())?.[1];
  await until(async () => (await fetch(`${url}/readyz`)).ok);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('signalbox_server_ready{server="up"} 1');
  expect(await run(place, 'status')).toContain('ready');
  expect(await run(place, 'audit', 'verify')).toContain('The ledger is sound');

  const bridge = start(place, 'stdio');
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  bridge.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await until(() => bridge.out().includes('\n'));
  expect(JSON.parse(bridge.out())).toMatchObject({ id: 1, result: { serverInfo: { name: 'signalbox' } } });
});

it('the package carries the licences of what is bundled into it, and no sources', () => {
  const text = readFileSync(join(modules, 'signalbox/dist/THIRD-PARTY-LICENSES'), 'utf8');
  for (const name of ['undici', 'express', 'zod', 'yaml', '@marcbachmann/cel-js']) expect(text).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
  expect(existsSync(join(modules, 'signalbox/gateway'))).toBe(false);
});
