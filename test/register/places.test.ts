/** Where checkpoints go besides the ledger: through the real gateway, and what happens while a place takes none. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { createRegisterKeeper } from '../../gateway/register/index.ts';
import { createVerifier, openCheckpoint, openSecret, publishedKey, splitNotes, verifyLedger } from '../../store/index.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { newPlace } from '../cli/support.ts';
import { ledgerPath, temporaryDir } from './support.ts';

/** Takes checkpoints while `takes` says so. */
async function startWitness(takes: () => boolean) {
  const taken: string[] = [];
  const types = new Set<string | undefined>();
  let tries = 0;
  const server = createServer((req, res) => {
    tries += 1;
    types.add(req.headers['content-type']);
    let text = '';
    req.setEncoding('utf8').on('data', (part: string) => (text += part));
    req.on('end', () => {
      if (takes()) taken.push(text);
      res.writeHead(takes() ? 200 : 503).end('answers are not read');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`, taken, types, tries: () => tries };
}

test('checkpoints of the gateway come to the file and the address, verify with its key, and the last one vouches for all [REGISTER-7]', async () => {
  const witness = await startWitness(() => true);
  const file = join(temporaryDir(), 'checkpoints');
  const config = { audit: { checkpoints: { records: 2, every: '20ms', file, webhook: { url: '${env:HOOK}' } } } };
  const gateway = await startGateway(config, { env: { HOOK: witness.url } });
  for (let index = 0; index < 5; index += 1) gateway.hall.ledger.writeSoon({ kind: 'auth', time: index });
  await until('a checkpoint at the address', () => witness.taken.length > 0);
  await gateway.close();
  const key = publishedKey(gateway.dataDir) ?? '';
  const verifier = createVerifier(key);
  const { notes, strayLines } = splitNotes(readFileSync(file, 'utf8'));
  expect(strayLines).toBe(0);
  expect(witness.taken).toEqual(notes);
  expect([...witness.types]).toEqual(['text/plain; charset=utf-8']);
  const sizes = notes.map((note) => openCheckpoint(note, verifier)).map((opened) => ('size' in opened ? opened.size : 0));
  expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes);
  const checkpoints = notes.map((note) => ({ note, from: file }));
  expect(verifyLedger(ledgerPath(gateway.dataDir), { verifier, checkpoints })).toMatchObject({ ok: true, records: sizes.at(-1), checkpoints: { vouched: sizes.at(-1) } });
  expect((await newPlace().run('audit', 'key', '--data', gateway.dataDir)).out).toBe(`${key}\n`);
});

test('places that take nothing are told in status and log, without the address; calls go on, and all of it comes later, in order [REGISTER-7]', async () => {
  let takes = false;
  const witness = await startWitness(() => takes);
  const dir = temporaryDir();
  const file = join(dir, 'later', 'checkpoints');
  const settings = { records: 1, everyMs: 1, file, webhook: { url: witness.url } };
  const lines: string[] = [];
  const log = { ...silentLog, error: (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`) };
  const keeper = createRegisterKeeper({ dataDir: dir, secret: openSecret(dir), log, settings: () => settings, hook: () => () => witness.url, delaysMs: [5] });
  const notes = ['one\n', 'two\n', 'three\n'];
  for (const [index, note] of notes.entries()) keeper.checkpoints.onCheckpoint(note, index + 1);
  await until('several tries', () => witness.tries() > 3 && (keeper.status().places[0]?.problem ?? '') !== '');
  expect(keeper.status()).toMatchObject({ newest: { size: 3 }, places: [{ place: 'file', waiting: 3, problem: expect.stringContaining('ENOENT') }, { place: 'webhook', waiting: 3, problem: 'it answered with status 503' }] });
  expect(lines.length).toBe(2);
  expect(lines.join('\n')).not.toContain('secret-path');
  takes = true;
  mkdirSync(dirname(file));
  await until('all of them', () => keeper.status().places.every(({ waiting }) => waiting === 0));
  expect(witness.taken).toEqual(notes);
  expect(readFileSync(file, 'utf8')).toBe(notes.map((note) => `${note}\n`).join(''));
  expect(keeper.status().places.some(({ problem }) => problem !== undefined)).toBe(false);
  await keeper.close();
});

test('a stop brings away what waits, once more, and does not wait for a place that is gone', async () => {
  const witness = await startWitness(() => true);
  const dir = temporaryDir();
  const file = join(dir, 'gone', 'checkpoints');
  const keeper = createRegisterKeeper({ dataDir: dir, secret: openSecret(dir), log: silentLog, settings: () => ({ records: 1, everyMs: 1, file }), hook: () => () => witness.url, delaysMs: [60_000] });
  keeper.checkpoints.onCheckpoint('one\n', 1);
  await until('a problem', () => keeper.status().places[0]?.problem);
  const before = performance.now();
  await keeper.close();
  expect(performance.now() - before).toBeLessThan(2000);
  expect(witness.taken).toEqual(['one\n']);
  expect(() => rmdirSync(dirname(file))).toThrow('ENOENT');
});

test.each([
  [{ every: '0s' }, /audit\.checkpoints\.every: a checkpoint is not made without a pause/],
  [{ records: 0 }, /audit\.checkpoints\.records/],
  [{ file: '' }, /audit\.checkpoints\.file: expected the path of a file/],
  [{ webhook: { url: 'ftp://example.com' } }, /audit\.checkpoints\.webhook\.url: expected an address that begins with http/],
  [{ webhook: { url: 'https://me:secret@example.com' } }, /audit\.checkpoints\.webhook\.url: holds a user name or a password/],
])('a configuration that cannot be meant is refused: %j', async (checkpoints, words) => {
  await expect(startGateway({ audit: { checkpoints } })).rejects.toThrow(words);
});
