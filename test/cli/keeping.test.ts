import Database from 'better-sqlite3';
import { once } from 'node:events';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newPlace, SERVERS, until } from './support.ts';

const CALLERS = 'callers: [{ id: alice }, { id: bob }]\n';

describe('status', () => {
  it('of a data directory without a gateway says so, makes nothing and starts nothing', async () => {
    const place = newPlace(SERVERS);
    const [words, json] = await Promise.all([place.run('status'), place.run('status', '--json')]);
    expect(words).toEqual({ code: 1, out: '', err: `No gateway runs on the data directory ${place.data}. Start one with "signalbox serve".\n` });
    expect([json.code, JSON.parse(json.out)]).toEqual([1, { running: false, data: place.data }]);
    expect(existsSync(place.data)).toBe(false);
  });

  it('of one that was killed says that none runs', async () => {
    const place = newPlace(SERVERS);
    const gateway = place.start(process.execPath, 'serve', '--port', '0');
    await until(() => gateway.out().includes('listening'));
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    expect(existsSync(join(place.data, 'gateway.json'))).toBe(true);
    expect((await place.run('status')).code).toBe(1);
  });

  it('of one that runs names its servers, and for one that is down why and what to do; needs no configuration with --data', async () => {
    const place = newPlace(`${SERVERS}  down: { command: /nowhere/at-all }\n`);
    const gateway = place.start(process.execPath, 'serve', '--port', '0');
    await until(() => gateway.out().includes('listening'));
    await until(async () => /down +failed/.test((await place.run('status')).out));
    place.write('signalbox.yaml', 'servers: [broken');
    const { code, out } = await place.run('status', '--data', place.data);
    expect(code).toBe(0);
    expect(out).toMatch(/^up +ready +stdio +2025-11-25 +7 /m);
    expect(out).toMatch(/Server down: command "\/nowhere\/at-all" does not exist; correct "command", or install it \(tried again in /);
    expect(await place.run('status')).toMatchObject({ code: 2, out: '' });
  });
});

describe('keys', () => {
  it('are made, listed and revoked without a gateway, alone on stdout, and recorded', async () => {
    const place = newPlace(SERVERS + CALLERS);
    const made = await place.run('keys', 'create', 'alice');
    expect(made.out).toMatch(/^sbx_[\w-]{43}\n$/);
    const id = /Key ([\da-f]{8}) for/.exec(made.err)?.[1] ?? '';
    const listed = await place.run('keys', 'list');
    expect(listed.out).toMatch(new RegExp(`^${id} +alice +\\S+ \\S+ +in force$`, 'm'));
    expect(listed.out).not.toContain('sbx_');
    expect(await place.run('keys', 'revoke', id)).toEqual({ code: 0, out: '', err: `Key ${id} of caller "alice" is worth nothing any more.\n` });
    expect((await place.run('keys', 'revoke', id)).code).toBe(1);
    const records = (await place.run('audit', 'tail', '--json')).out.trim().split('\n').map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([{ kind: 'keys', action: 'create', key: id, caller: 'alice' }, { kind: 'keys', action: 'revoke', key: id }]);
  });

  it('are for configured callers only, and the text of a key given for its id is not repeated', async () => {
    const place = newPlace(SERVERS + CALLERS);
    expect(await place.run('keys', 'create', 'alcie')).toEqual({ code: 2, out: '', err: 'There is no caller "alcie". Did you mean "alice"?\n' });
    const wrong = await place.run('keys', 'revoke', 'sbx_secret-text');
    expect(wrong.code).toBe(1);
    expect(wrong.err).not.toContain('secret-text');
  });

  it('made through a gateway that runs open it at once, and its ledger says so', async () => {
    const place = newPlace(SERVERS + CALLERS);
    const gateway = place.start(process.execPath, 'serve', '--port', '0');
    await until(() => gateway.out().includes('listening'));
    const url = /listening on (\S+)/.exec(gateway.out())?.[1] ?? '';
    const { key, id } = JSON.parse((await place.run('keys', 'create', 'bob', '--json')).out) as { key: string; id: string };
    const statusWith = async (authorization: string) => (await fetch(`${url}/mcp`, { method: 'GET', headers: { authorization } })).status;
    expect(await statusWith(`Bearer ${key}x`)).toBe(401);
    expect(await statusWith(`Bearer ${key}`)).not.toBe(401);
    expect((await place.run('keys', 'revoke', id)).code).toBe(0);
    expect(await statusWith(`Bearer ${key}`)).toBe(401);
    expect((await place.run('audit', 'tail')).out).toContain(`key ${id}  created for bob`);
  });
});

describe('audit', () => {
  it('shows one line for each call, and goes on as records come', async () => {
    const place = newPlace(SERVERS);
    await place.run('call', 'up__echo', '{"a":1}');
    const follower = place.start(process.execPath, 'audit', 'tail', '-f', '-n', '2');
    await until(() => follower.out().includes('gateway stopped'));
    expect(follower.out()).toMatch(/^\S+ \S+ {2}local {2}up\/echo {2}allow {2}completed {2}\d+ ms\n\S+ \S+ {2}gateway stopped\n$/);
    await place.run('call', 'up__fail');
    await until(() => follower.out().includes('up/fail  allow  completed with a tool error'));
  });

  it('verified is sound, and a record that was changed is named', async () => {
    const place = newPlace(SERVERS);
    await place.run('call', 'up__echo');
    expect((await place.run('audit', 'verify')).out).toMatch(/^The ledger is sound: 4 records\. Head: record 4, SHA-256 [\da-f]{64}\nCheckpoints: 1, signed by signalbox\/[\da-f]{16}; the largest vouches for all of it\.\n$/);
    const db = new Database(join(place.data, 'ledger.db'));
    db.exec("UPDATE pages SET bodies = replace(bodies, 'up/echo', 'up/evil')");
    db.close();
    const verified = await place.run('audit', 'verify');
    expect(verified).toMatchObject({ code: 1, out: '' });
    expect(verified.err).toBe('Record 2 of the ledger is wrong: its text is not the one that was hashed. The 1 record before it is sound.\n');
    expect((await place.run('doctor')).out).toMatch(/^PROBLEM {2}Ledger: record 2 is wrong/m);
  });

  it('of a folder without a ledger says so and makes none', async () => {
    const place = newPlace(SERVERS);
    const [tailed, verified] = await Promise.all([place.run('audit', 'tail'), place.run('audit', 'verify')]);
    expect([tailed.code, verified.code]).toEqual([1, 1]);
    expect(verified.err).toContain('There is no ledger in');
    expect(existsSync(place.data)).toBe(false);
  });
});

describe('doctor', () => {
  it('finds all well where it is, connects to each server, and leaves no gateway behind', async () => {
    const place = newPlace(`${SERVERS.replace('mode: warn', 'mode: "off"')}rules: [{ id: all, effect: allow }]\n`);
    const { code, out } = await place.run('doctor');
    expect([code, out.includes('All is well.')]).toEqual([0, true]);
    expect(out).toMatch(/^ok {7}Server up: connected \(stdio, 2025-11-25\), 7 tools$/m);
    expect((await place.run('status')).code).toBe(1);
  });

  it('names what is wrong with a next step: secrets, permissions, a taken port, a server', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const place = newPlace(`data: ./data\nlisten: { port: ${port} }\nservers:\n  down: { command: /nowhere/at-all, env: { A: "\${env:NOT_SET_HERE}" } }\n`);
    await place.run('tools');
    chmodSync(place.data, 0o755);
    expect(statSync(place.data).mode & 0o777).toBe(0o755);
    const { code, out } = await place.run('doctor', '--json');
    const { findings } = JSON.parse(out) as { findings: { check: string; state: string; message: string; next?: string }[] };
    expect(code).toBe(1);
    expect(findings.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${state} ${check}`)).toEqual(['warning Secrets', 'warning Rules', 'warning Data directory', 'problem Gateway', 'problem Server down']);
    expect(findings.every(({ state, next }) => state === 'ok' || (next ?? '') !== '')).toBe(true);
  });
});
