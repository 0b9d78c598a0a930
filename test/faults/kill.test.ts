/** The gateway killed with -9, again and again on one data directory, while calls run: what is left, and what is known of them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verifyLedger, LEDGER_FILE } from '../../store/index.ts';
import { until } from '../support/poll.ts';
import { startLoad } from './load.ts';
import { accountOf, descendants, isAlive, missingFrom, newPlace, repeated, withHome } from './support.ts';

const KILLS = 50;
const CLIENTS = 12;
const GONE_WITHIN_MS = 3000;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

test('killed with -9 at 50 random moments under load: all that was executed has an intent, nothing is executed twice, the chain verifies, no process is left [FAULT-1]', { timeout: 300_000 }, async () => {
  const place = newPlace();
  const config = { servers: { pipe: place.recorder, web: await place.startRecorder() } };
  const acknowledged: string[] = [];
  const startsMs: number[] = [];
  const gonesMs: number[] = [];
  let broken = 0;
  let gone: Promise<void> | undefined;

  for (let kill = 0; kill < KILLS; kill++) {
    // At once, as a service manager does: what the one before left is still going then.
    const [gateway] = await Promise.all([place.serve(config), gone]);
    if (kill > 0) startsMs.push(gateway.startMs);
    const client = gateway.client();
    await until('both servers are there', async () => (await client.names()).length === 2);
    const load = await startLoad(gateway, { name: String(kill), clients: CLIENTS, tools: ['pipe__record', 'web__record'], answerAfterMs: 10 });
    // Not waiting for anything: the moment is what is tried.
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 500));
    const family = descendants(gateway.child.pid as number);
    expect(family.length, 'the watcher, the server and its child').toBeGreaterThanOrEqual(3);
    const killedAt = performance.now();
    gateway.child.kill('SIGKILL');
    expect(await gateway.ended).toBe('SIGKILL');
    const left = new Set([...family, ...withHome(place.home)]);
    gone = until(`all processes of gateway ${kill} are gone`, () => ![...left].some(isAlive), GONE_WITHIN_MS).then(() => void gonesMs.push(performance.now() - killedAt));
    await load.stop();
    expect([...load.failed], 'no call failed before the kill').toEqual([]);
    expect(load.acknowledged.length, 'calls ran before the kill').toBeGreaterThan(0);
    expect(load.broken.length, 'calls were under way at the kill').toBeGreaterThan(0);
    broken += load.broken.length;
    acknowledged.push(...load.acknowledged);
  }

  const [last] = await Promise.all([place.serve(config), gone]);
  startsMs.push(last.startMs);
  last.child.kill('SIGTERM');
  expect(await last.ended).toBe(0);
  await until('nothing is left in the end', () => withHome(place.home).length === 0, GONE_WITHIN_MS);

  const executed = place.executed();
  const { intended, ends } = accountOf(place.records());
  const unknown = [...ends].filter(([, records]) => records[0]?.kind === 'unknown');
  const lost = missingFrom(intended, executed);
  const duplicated = repeated(executed);
  console.log(
    `${KILLS} kills: executed ${executed.length}, acknowledged ${acknowledged.length}, cut off ${broken}, intents ${intended.length}, unknown ${unknown.length}, ` +
      `lost ${lost.length}, duplicated ${duplicated.length}; processes gone after ${Math.round(median(gonesMs))} ms (most ${Math.round(Math.max(...gonesMs))}); ` +
      `recovery ${Math.round(median(startsMs))} ms (most ${Math.round(Math.max(...startsMs))})`,
  );
  expect(lost).toEqual([]);
  expect(duplicated).toEqual([]);
  expect(repeated(intended)).toEqual([]);
  expect(missingFrom(executed, acknowledged)).toEqual([]);
  expect([...ends].filter(([, records]) => records.length !== 1), 'each intent has one end').toEqual([]);
  expect(acknowledged.filter((id) => ends.get(id) === undefined)).toEqual([]);
  expect(unknown.length, 'some ends were not known').toBeGreaterThan(0);
  expect(verifyLedger(join(place.dataDir, LEDGER_FILE))).toMatchObject({ ok: true });
});
