import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newPlace, record, startBridge } from './support.ts';

const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
const CALLERS = 'callers:\n  - { id: alice, key: "${env:KEY}" }\n  - { id: bob, key: "${env:KEY2}", profiles: [few] }\nprofiles:\n  few: { include: ["up/echo"] }\n';
const KEYS = { KEY: 'k'.repeat(40), KEY2: 'j'.repeat(40) };

describe('a bridge that cannot start', () => {
  it('says what is wrong with the configuration on stderr and in the answer to the first request, and exits 2', async () => {
    const place = newPlace();
    writeFileSync(place.config, 'servers:\n  up: { comand: node }\n');
    const bridge = startBridge(place);
    const answer = await bridge.ask(1, 'initialize', INITIALIZE);
    expect(answer.error?.message).toMatch(/signalbox\.yaml:2:.*comand/s);
    expect(await bridge.ended).toBe(2);
    expect(bridge.stderr()).toContain(answer.error?.message.split('\n')[0]);
  });

  it('exits at once with the same code when nobody asks', async () => {
    const place = newPlace();
    writeFileSync(place.config, 'servers: [');
    const bridge = startBridge(place);
    bridge.process.stdin.end();
    expect(await bridge.ended).toBe(2);
    expect(bridge.received).toEqual([]);
  });

  it('passes on why the gateway did not start', async () => {
    const place = newPlace(CALLERS);
    const bridge = startBridge(place, ['--as', 'alice'], { KEY2: KEYS.KEY2 });
    const answer = await bridge.ask(1, 'initialize', INITIALIZE);
    expect(answer.error?.message).toContain('KEY');
    expect(answer.error?.message).toContain('gateway.log');
    expect(await bridge.ended).toBe(2);
  });

  it('names the callers when there are some and none was chosen', async () => {
    const bridge = startBridge(newPlace(CALLERS), [], KEYS);
    const answer = await bridge.ask(1, 'initialize', INITIALIZE);
    expect(answer.error?.message).toContain('"--as CALLER" with one of: alice, bob');
    expect(await bridge.ended).toBe(2);
  });

  it('names the profiles when the caller needs one', async () => {
    const bridge = startBridge(newPlace(CALLERS), ['--as', 'bob'], KEYS);
    const answer = await bridge.ask(1, 'initialize', INITIALIZE);
    expect(answer.error?.message).toContain('"--profile ID" with one of: few');
    expect(await bridge.ended).toBe(2);
  });
});

describe('a bridge for a caller', () => {
  it('acts for that caller, through the profile, with no key', async () => {
    const place = newPlace(CALLERS);
    const bridge = startBridge(place, ['--as', 'bob', '--profile', 'few'], KEYS);
    await bridge.open();
    const list = await bridge.ask(1, 'tools/list');
    expect(list.result?.tools?.map(({ name }) => name)).toEqual(['up__echo']);
    expect((await bridge.ask(2, 'tools/call', record('no'))).error?.code).toBe(-32602);
    expect((await bridge.ask(3, 'tools/call', { name: 'up__echo', arguments: { text: 'yes' } })).result?.content?.[0]?.text).toBe('yes');
    const calls = place.records().filter(({ kind }) => kind === 'intent');
    expect(calls).toMatchObject([{ caller: 'bob', face: 'stdio' }]);
  });
});
