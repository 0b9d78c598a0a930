/** The small parts by themselves: what a bound, a lookup or a watcher promises. */
import { spawn } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReaper } from '../../connectors/index.ts';
import { createAddressGuard } from '../../connectors/http/address.ts';
import { encodeHeaderValue } from '../../core/param-headers.ts';
import { createDeadlines, type Timed } from '../../connectors/resilience/deadlines.ts';
import { answeredId, deeperThan } from '../../connectors/wire/jsonrpc.ts';
import { LineReader } from '../../connectors/wire/lines.ts';
import { until } from './harness.ts';

test('lines come out whole, however the bytes were cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '))), fc.array(fc.nat(40)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const seen: string[] = [];
      const reader = new LineReader(1_000_000, { line: (text) => void seen.push(text), oversized: () => seen.push('oversized') });
      let from = 0;
      for (const cut of cuts) {
        reader.push(bytes.subarray(from, from + cut));
        from += cut;
      }
      reader.push(bytes.subarray(from));
      reader.end();
      expect(seen).toEqual(lines.map((line) => Buffer.from(line).toString()));
    }),
  );
});

test('deadlines that share a timer are met in their order, none early and none late', async () => {
  const shortestMs = 40;
  const all = createDeadlines<Timed>(shortestMs);
  const late: number[] = [];
  const add = (ms: number, then = (): void => {}): void => {
    const timed: Timed = {
      dueAt: performance.now() + ms,
      expire() {
        late.push(performance.now() - this.dueAt);
        all.delete(this);
        then();
      },
    };
    all.add(timed);
  };
  // One that is added as another expires must not put off those that stand.
  for (const ms of [300, 40, 55, 120, 121, 122]) add(ms, ms === 55 ? () => add(200) : undefined);
  const kept: Timed = { dueAt: performance.now() + 60, expire: () => late.push(Infinity) };
  all.add(kept);
  all.delete(kept);
  await until('all have expired', () => all.size === 0);
  expect(late).toHaveLength(7);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(-1.5);
  expect(Math.max(...late)).toBeLessThan(250); // Ten milliseconds, and what a busy machine adds.
});

test('the id of an oversized answer is found at either end, and only as a member of the outermost object', () => {
  const big = 'x'.repeat(5_000);
  const ends = (text: string) => answeredId(text.slice(0, 1_024), text.slice(-1_024));
  expect(ends(`{"jsonrpc":"2.0","id":7,"result":{"a":"${big}"}}`)).toBe(7);
  expect(ends(`{"result":{"a":"${big}"},"jsonrpc":"2.0","id":8}`)).toBe(8);
  expect(ends(`{"result":{"a":"${big}"},"id":9,"jsonrpc":"2.0"}`)).toBe(9);
  expect(ends(`{"jsonrpc":"2.0","result":{"a":"${big}","id":10}}`)).toBeUndefined();
  expect(ends(`{"result":"${big}\\"id\\":11}"}`)).toBeUndefined();
});

test('depth is counted outside strings only', () => {
  expect(deeperThan(`${'['.repeat(600)}${']'.repeat(600)}`, 512)).toBe(true);
  expect(deeperThan(`"${'['.repeat(5_000)}"`, 512)).toBe(false);
  expect(deeperThan(`["\\"${'['.repeat(5_000)}"]`, 512)).toBe(false);
});

test('any text survives as a header value, and none breaks out of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = encodeHeaderValue(text);
      expect(encoded).toMatch(/^[\t\x20-\x7e]*$/);
      const inner = /^=\?base64\?(.*)\?=$/.exec(encoded)?.[1];
      expect(inner === undefined ? encoded : Buffer.from(inner, 'base64').toString()).toBe(text);
    }),
  );
});

test('a name that resolves to a metadata address is not dialled, and one that also has a good address gets that', async () => {
  const resolved = (addresses: string[]) => {
    const answer = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
    const guard = createAddressGuard(((_host: string, _options: object, done: (error: null, found: LookupAddress[]) => void) => done(null, answer)) as never);
    return new Promise((resolve) => guard.lookup('host', { all: true }, (error, found) => resolve(error === null ? found : error.name)));
  };
  expect(await resolved(['169.254.169.254'])).toBe('ForbiddenAddress');
  expect(await resolved(['::ffff:169.254.169.254', 'fe80::1'])).toBe('ForbiddenAddress');
  expect(await resolved(['169.254.169.254', '10.0.0.5'])).toEqual([{ address: '10.0.0.5', family: 4 }]);
});

test('a watcher that was killed is replaced, and knows the groups of the one before', async () => {
  const reaper = createReaper();
  const child = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { detached: true, stdio: 'ignore' });
  const group = child.pid as number;
  reaper.watch(group);
  const watcher = (): number | undefined => childrenOf(process.pid).find((pid) => pid !== group && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('groups='));
  const first = await until('a watcher', watcher);
  process.kill(first, 'SIGKILL');
  await until('another watcher', () => {
    const now = watcher();
    return now !== undefined && now !== first;
  });
  reaper.close();
  await until('the group is killed by it', () => child.signalCode === 'SIGKILL', 5_000);
});

function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ');
      return fields?.[1] === String(parent) && fields[0] !== 'Z' ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
