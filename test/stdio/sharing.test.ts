import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descendants, gatewaysOn, isAlive, modern, newPlace, NODE, record, SIGNALBOX, startBridge, until } from './support.ts';

const processes = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);

describe('several bridges on one data directory', () => {
  it('share one gateway, whatever era each speaks; it goes with the last and leaves no process [STDIO-1]', async () => {
    const place = newPlace();
    const old = startBridge(place);
    const young = startBridge(place);
    await Promise.all([old.open(), young.ask(1, 'server/discover', modern())]);
    await old.ask(2, 'tools/call', record('old'));
    await young.ask(2, 'tools/call', modern(record('young')));
    const pid = place.gatewayPid() as number;
    expect(gatewaysOn(place.dataDir, processes())).toEqual([pid]);
    expect(place.executed()).toEqual(['old', 'young']);
    const family = [pid, ...descendants(pid)];
    expect(family.length).toBeGreaterThan(1);

    old.process.stdin.end();
    young.process.stdin.end();
    expect(await Promise.all([old.ended, young.ended])).toEqual([0, 0]);
    await until(() => !family.some(isAlive), 'the gateway and its servers have gone');
    expect(place.gatewayPid()).toBeUndefined();
    const calls = place.records().filter(({ kind }) => kind === 'intent');
    expect(calls.map(({ face, protocol }) => [face, protocol])).toEqual([['stdio', '2025-11-25'], ['stdio', '2026-07-28']]);
  });

  it('do not miss one that is killed, though it was the one that started the gateway [STDIO-2]', async () => {
    const place = newPlace();
    const first = startBridge(place);
    await first.open();
    const pid = place.gatewayPid() as number;
    const second = startBridge(place);
    await second.open();
    first.process.kill('SIGKILL');
    await first.ended;
    const answer = await second.ask(2, 'tools/call', record('after'));
    expect(answer.result?.content?.[0]?.text).toBe('after');
    expect(place.gatewayPid()).toBe(pid);
  });

  it('go on with another gateway when theirs is killed, in both eras [STDIO-2]', async () => {
    const place = newPlace();
    const old = startBridge(place);
    const young = startBridge(place);
    await Promise.all([old.open(), young.ask(1, 'server/discover', modern())]);
    const pid = place.gatewayPid() as number;
    process.kill(pid, 'SIGKILL');
    await until(() => [old, young].every((bridge) => bridge.stderr().includes('the gateway has gone')), 'both have noticed');
    const [answer, other] = await Promise.all([old.ask(3, 'tools/call', record('old')), young.ask(3, 'tools/call', modern(record('young')))]);
    expect(answer.result?.content?.[0]?.text).toBe('old');
    expect(other.result?.content?.[0]?.text).toBe('young');
    expect(place.gatewayPid()).not.toBe(pid);
    expect(gatewaysOn(place.dataDir, processes())).toEqual([place.gatewayPid()]);
  });

  it('end up on one gateway though ten of them start at once', async () => {
    const place = newPlace();
    const bridges = Array.from({ length: 10 }, () => startBridge(place));
    const answers = await Promise.all(bridges.map((bridge) => bridge.open()));
    expect(answers.map(({ result }) => result?.protocolVersion)).toEqual(Array.from({ length: 10 }, () => '2025-11-25'));
    await until(() => gatewaysOn(place.dataDir, processes()).length === 1, 'the others have given way');
    expect(gatewaysOn(place.dataDir, processes())).toEqual([place.gatewayPid()]);
    // Those who lost the race had nothing to say.
    expect(readFileSync(join(place.dataDir, 'gateway.log'), 'utf8')).not.toContain('in use');
  });

  it("use a gateway that a person runs, and leave it running; its configuration's port is not taken from it", async () => {
    const place = newPlace();
    const serve = spawn(NODE, [SIGNALBOX, 'serve', '-c', place.config, '--port', '0'], { stdio: 'ignore' });
    onTestFinished(() => void serve.kill('SIGKILL'));
    const bridge = startBridge(place);
    await bridge.open();
    expect(place.gatewayPid()).toBe(serve.pid);
    bridge.process.stdin.end();
    expect(await bridge.ended).toBe(0);
    expect(isAlive(serve.pid as number)).toBe(true);
  });

  it('wait for a gateway that a person restarts rather than take its directory', async () => {
    const place = newPlace();
    const serve = () => {
      const child = spawn(NODE, [SIGNALBOX, 'serve', '-c', place.config, '--port', '0'], { stdio: 'ignore' });
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    };
    const first = serve();
    await until(() => place.gatewayPid() === first.pid, 'the gateway holds the directory');
    const bridge = startBridge(place);
    await bridge.open();
    first.kill('SIGTERM');
    await new Promise((resolve) => first.once('exit', resolve));
    bridge.send({ id: 2, method: 'tools/call', params: record('after') });
    const second = serve();
    expect((await bridge.answerTo(2)).result?.content?.[0]?.text).toBe('after');
    expect(place.gatewayPid()).toBe(second.pid);
  });
});

describe("the gateway's log", () => {
  it('is for its owner alone, and begins anew when it has grown large', async () => {
    const place = newPlace();
    const first = startBridge(place);
    await first.open();
    const log = join(place.dataDir, 'gateway.log');
    expect(statSync(log).mode & 0o777).toBe(0o600);
    process.kill(place.gatewayPid() as number, 'SIGKILL');
    writeFileSync(log, '');
    truncateSync(log, 5 * 1024 * 1024 + 1);
    await first.ask(2, 'tools/list');
    expect(statSync(`${log}.1`).size).toBe(5 * 1024 * 1024 + 1);
    expect(statSync(log).size).toBeLessThan(100_000);
  });
});
