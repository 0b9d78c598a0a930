/** `status` and `doctor` where things are wrong: the real program, in words that say what is wrong and what to do. */
import { describe, expect, it, test } from 'vitest';
import type { StatusReport } from '../../gateway/status.ts';
import { troublesOf } from '../../gateway/cli/troubles.ts';
import { newPlace, SERVERS, until } from '../cli/support.ts';
import { startCollector } from './collector.ts';

const QUARANTINING = SERVERS.replace('scan: { mode: warn }', 'scan: { mode: enforce }');

it('dead server, quarantined tool, waiting call, used budget, traces nobody takes, a configuration that was not taken on [TELEMETRY-8]', async () => {
  const collector = await startCollector();
  collector.answer = { status: 503 };
  const config = `${QUARANTINING}  down: { command: /nowhere/at-all }
approvals: { wait: 0s }
rules: [{ id: boss, effect: ask, approvers: [lead], when: "has(args.ask)" }, { id: rest, effect: allow }]
budgets: [{ id: few, unit: calls, limit: 1, period: month }]
telemetry: { traces: { endpoint: "${collector.endpoint}" } }
`;
  const place = newPlace(config);
  const gateway = place.start(process.execPath, 'serve', '--port', '0');
  await until(() => gateway.out().includes('listening'));
  await place.run('call', 'up__echo', '{"ask":1}');
  await place.run('call', 'up__echo', '{"a":1}');
  place.write('signalbox.yaml', 'servers: { broken');
  gateway.child.kill('SIGHUP');
  await until(() => gateway.err().includes('not taken on') && collector.requests.length > 0);
  const { out } = await place.run('status', '--data', place.data);
  const told = (words: RegExp): void => expect(out).toMatch(words);
  told(/^PROBLEM {2}Configuration: the newest one \(\d+ m?s ago\) was not taken on; what was in force before it still is\. .*signalbox\.yaml:1:.*\n +-> Correct .*signalbox\.yaml; "signalbox check"/m);
  told(/^PROBLEM {2}Server down: command "\/nowhere\/at-all" does not exist; correct "command", or install it \(tried again in .*\)\n +-> Correct that; it is tried again by itself/m);
  told(/^up\/\w+ +quarantined +.+$/m);
  told(/^Look at them with "signalbox pins diff"/m);
  told(/^WARNING {2}Approvals: 1 call waits for a person, the oldest for \d+ m?s\n +-> See them with "signalbox approvals list"/m);
  told(/^WARNING {2}Budget few: 1 of 1 calls\/month used: calls under it are refused\n +-> The next period begins in /m);
  told(/^WARNING {2}Traces: cannot be exported: it answered with status 503 \(\d+ spans dropped so far\)\n +-> Correct "telemetry\.traces"/m);
  // The same words, where everything is looked at.
  place.write('signalbox.yaml', config);
  await until(async () => !(await place.run('status')).out.includes('Configuration: the newest'));
  const looked = await place.run('doctor');
  expect(looked.code).toBe(1);
  for (const finding of ['PROBLEM  Server down: command', 'WARNING  Approvals: 1 call waits', 'WARNING  Budget few: ', 'WARNING  Traces: cannot be exported', 'WARNING  Tool up/evil: is quarantined: ']) expect(looked.out).toContain(finding);
  expect(looked.out).toContain('-> Look at it with "signalbox pins diff up/evil", then "signalbox pins approve up/evil"');
  expect(looked.out).not.toContain('PROBLEM  Configuration');
});

const WELL: StatusReport = {
  version: '1', pid: 1, node: 'v24', upSeconds: 1, config: { source: '/x.yaml', hash: 'h' }, reloads: { taken: 0, refused: 0 }, rules: 1, callers: 1,
  servers: [{ id: 'up', state: 'ready', transport: 'stdio', breaker: 'closed', toolCount: 1, inFlight: 0, queued: 0 }],
  tools: 1, pins: { mode: 'off', scan: 'off', file: '/x.lock', reviewed: 0, quarantined: [], noted: [] }, register: { key: 'k', places: [] },
  ledger: { ok: true, lagMs: 3, written: 9 }, approvals: { waiting: 0 }, budgets: [], sessions: 0, subscriptions: 0, space: { freeBytes: 1e12, totalBytes: 2e12 }, clockSetMs: 20,
};

describe('each trouble is one finding with a next step [TELEMETRY-8]', () => {
  test('and where all is well there is none [TELEMETRY-8]', () => expect(troublesOf(WELL, 0)).toEqual([]));

  test.each<[string, Partial<StatusReport>, RegExp]>([
    ['a full disk', { ledger: { ok: false, problem: 'the disk is full', lagMs: 61_000, written: 9 } }, /^problem Ledger: cannot be written, so every call is refused: the disk is full; the ends of calls have been waiting for it for 61 s, and are kept$/],
    ['a slow disk', { ledger: { ok: true, lagMs: 9000, written: 9 } }, /^warning Ledger: is behind: .* for 9 s$/],
    ['little room', { space: { freeBytes: 5 * 2 ** 20, totalBytes: 2 ** 30 } }, /^warning Disk space: 5 MB of 1024 MB are free/],
    ['a clock set back', { clockSetMs: -3_600_000 }, /^warning Clock: was set back by 60 min since/],
    ['a breaker', { servers: [{ ...WELL.servers[0], breaker: 'open' } as StatusReport['servers'][0]] }, /^warning Server up: has failed repeatedly, so calls are refused for a while/],
    ['a queue', { servers: [{ ...WELL.servers[0], queued: 2, inFlight: 8 } as StatusReport['servers'][0]] }, /^warning Server up: 2 calls wait for a place, 8 being under way$/],
    ['a server without tools', { servers: [{ ...WELL.servers[0], toolCount: 0 } as StatusReport['servers'][0]] }, /^warning Server up: is connected, but it has no tools$/],
    ['a lock file', { pins: { ...WELL.pins, problem: 'no JSON' } }, /^problem Lock file: \/x\.lock cannot be read: no JSON$/],
    ['checkpoints nobody takes', { register: { key: 'k', places: [{ place: 'webhook', waiting: 3, problem: 'it answered 500' }] } }, /^problem Register: 3 checkpoints not delivered to the webhook: it answered 500$/],
  ])('%s [TELEMETRY-8]', (_name, change, words) => {
    const [found, ...more] = troublesOf({ ...WELL, ...change }, 0);
    expect(more).toEqual([]);
    expect(`${found?.state} ${found?.check}: ${found?.message}`).toMatch(words);
    expect(found?.next).toMatch(/^[A-Z].*\.$/);
  });
});
