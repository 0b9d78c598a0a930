/** `signalbox retention`, `tenants` and `audit payload`, as the real program: where a gateway runs, and where none does. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDir } from '../store/support.ts';
import { startGateway } from '../support/gateway.ts';
import { SIGNALBOX } from '../support/process.ts';
import { startUpstream } from '../support/upstream.ts';
import { DAY_MS, keep, recordsOfKind, verified, wordsIn, writeCalls } from './support.ts';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const runner = (config: string, data: string) => (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [SIGNALBOX, ...args, '-c', config, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('close', (code) => resolve({ code, out, err }));
  });

test('holds, purges, payloads and erasure by command, through the gateway that runs and, after it, without one [RETENTION-3] [RETENTION-7]', async () => {
  const dataDir = temporaryDir();
  const old = await keep(dataDir, undefined);
  await writeCalls(old.ledger, [{ call: 'old-0', time: Date.now() - 400 * DAY_MS }]);
  await old.close();
  const upstream = await startUpstream();
  const config = { servers: { up: upstream.server }, audit: { payloads: 'full' } };
  const configPath = join(temporaryDir(), 'signalbox.json');
  writeFileSync(configPath, JSON.stringify(config));
  let end = async (): Promise<void> => {};
  const gateway = await startGateway(config, { dataDir, atEnd: (close) => (end = close) });
  const run = runner(configPath, dataDir);
  await gateway.client().call('up__echo', { text: 'the-exact-argument', password: 'hunter2-as-it-was' });
  const { call } = await gateway.record('the outcome', ({ kind, seq }) => kind === 'outcome' && Number(seq) > 2);

  const shown = await run('audit', 'payload', String(call));
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.out).toContain('"password": "hunter2-as-it-was"');
  const held = await run('retention', 'hold', 'add', '--caller', 'alice', '--reason', 'the case of Smith');
  expect(held.err).toContain('covers every tenant, caller "alice" (the case of Smith)');
  expect((await run('retention', 'hold', 'list')).out).toContain('the case of Smith');
  expect(await run('tenants', 'erase', 'default')).toMatchObject({ code: 2, err: expect.stringContaining('Nothing was erased') as string });
  const refused = await run('tenants', 'erase', 'default', '--yes');
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain('the case of Smith');
  await end();

  expect(await run('retention', 'purge', '--before', new Date(Date.now() - 300 * DAY_MS).toISOString())).toMatchObject({ code: 0, err: expect.stringContaining('2 records as old as that are kept by legal holds') as string });
  expect(await run('retention', 'hold', 'release', held.out.trim(), '--reason', 'settled')).toMatchObject({ code: 0 });
  expect(await run('retention', 'purge', '--before', new Date(Date.now() - 300 * DAY_MS).toISOString())).toMatchObject({ code: 0, err: expect.stringContaining('2 records') as string });
  expect(wordsIn(dataDir).size).toBe(0);
  expect(await run('tenants', 'erase', 'default', '--yes')).toMatchObject({ code: 0, err: expect.stringContaining('1 key') as string });
  expect((await run('tenants', 'list')).out).toContain('erased');
  expect(await run('audit', 'payload', String(call))).toMatchObject({ code: 1, out: expect.stringContaining('destroyed') as string });
  expect(recordsOfKind(dataDir, 'hold').map(({ action }) => action)).toEqual(['add', 'release']);
  expect(recordsOfKind(dataDir, 'erase')).toHaveLength(1);
  expect(verified(dataDir)).toMatchObject({ ok: true, purged: { records: 2 } });
});
