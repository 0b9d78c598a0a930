/** A proof leaves the gateway: it is checked by code that shares nothing with it but the public key. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkConsistency, checkProof, createSigner, createVerifier, proveConsistency, proveRecord, Unprovable } from '../../store/index.ts';
import { newPlace } from '../cli/support.ts';
import { PUBLIC_KEY, signedLedger, tamperedCopy, temporaryDir, type Signed } from './support.ts';

const verifier = createVerifier(PUBLIC_KEY);
let original: Signed;
beforeAll(async () => {
  original = await signedLedger({ dir: temporaryDir(afterAll) });
});

/** An outsider's checker, of c2sp.org/tlog-proof and RFC 9162 alone. Returns the record that is proven. */
function outsider(proof: string, publicKey: string): string {
  const sha256 = (...parts: (Buffer | string)[]): Buffer => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(what);
  };
  const [head = '', ...rest] = proof.split('\n\n');
  const [text = '', signatures = ''] = [`${rest[0]}\n`, rest[1]];
  const [version, extra = '', indexLine = '', ...path] = head.split('\n');
  must(version === 'c2sp.org/tlog-proof@v1', 'version');
  const [name = '', id = '', ...key64] = publicKey.split('+');
  const key = Buffer.from(key64.join('+'), 'base64');
  must(sha256(`${name}\n`, key).subarray(0, 4).toString('hex') === id, 'key');
  const line = signatures.split('\n').find((one) => one.startsWith(`\u2014 ${name} `)) ?? '';
  const signature = Buffer.from(line.split(' ')[2] ?? '', 'base64');
  must(signature.subarray(0, 4).toString('hex') === id, 'signer');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') };
  must(verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: 'jwk' }), signature.subarray(4)), 'signature');
  const [origin, size, root] = text.split('\n');
  must(origin === name, 'origin');
  const body = Buffer.from(extra.replace('extra ', ''), 'base64');
  let [at, last] = [BigInt(indexLine.replace('index ', '')), BigInt(size ?? 0) - 1n];
  must(at <= last, 'index');
  let node = sha256(Buffer.of(0), body);
  for (const encoded of path) {
    const sibling = Buffer.from(encoded, 'base64');
    must(last > 0n, 'path too long');
    if (at % 2n === 1n || at === last) {
      node = sha256(Buffer.of(1), sibling, node);
      while (at % 2n === 0n && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else node = sha256(Buffer.of(1), node, sibling);
    [at, last] = [at >> 1n, last >> 1n];
  }
  must(last === 0n && node.toString('base64') === root, 'root');
  return body.toString();
}

test('a proof of any record is checked by forty lines that know only the public key [REGISTER-6]', () => {
  for (let seq = 1; seq <= 12; seq += 1) {
    const proof = proveRecord(original.path, seq);
    expect(JSON.parse(outsider(proof, PUBLIC_KEY))).toMatchObject({ seq, kind: 'auth', text: `call ${seq}: Grüße` });
    expect(checkProof(proof, verifier)).toMatchObject({ ok: true, seq, checkpoint: { size: 12 } });
  }
});

test('a change of any byte of a proof is seen, by the outsider too [REGISTER-6]', () => {
  const bytes = Buffer.from(proveRecord(original.path, 6));
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ by;
      expect(checkProof(changed.toString(), verifier)).toMatchObject({ ok: false });
    }),
    { numRuns: 2000 },
  );
  const proof = bytes.toString();
  const record = Buffer.from(/^extra (\S+)$/m.exec(proof)?.[1] ?? '', 'base64').toString();
  const other = proof.replace(/^extra \S+$/m, `extra ${Buffer.from(record.replace('Grüße', 'Grüsse')).toString('base64')}`);
  for (const wrong of [other, proof.replace('index 5', 'index 4'), proof.replace('\n12\n', '\n13\n')]) {
    expect(checkProof(wrong, verifier)).toMatchObject({ ok: false });
    expect(() => outsider(wrong, PUBLIC_KEY)).toThrow();
  }
  const { publicKey } = createSigner(Buffer.alloc(32, 9));
  expect(checkProof(proof, createVerifier(publicKey))).toMatchObject({ ok: false, reason: expect.stringContaining('not signed by') });
  expect(() => outsider(proof, publicKey)).toThrow('signer');
});

test('what cannot be proven is said in words: no such record, no checkpoint yet, a purged text, a ledger that was changed', () => {
  const proving = (seq: number, tamper: (db: Database.Database) => void = () => {}) => () => proveRecord(tamperedCopy(original.path, tamper), seq);
  expect(proving(13)).toThrow(Unprovable);
  expect(proving(13)).toThrow('There is no record 13');
  expect(proving(9, (db) => void db.exec('DELETE FROM checkpoints WHERE size > 8'))).toThrow('No checkpoint vouches for record 9 yet');
  expect(proving(6, (db) => void db.exec("UPDATE pages SET bodies = '' WHERE first = 6"))).toThrow('was purged');
  expect(proving(6, (db) => void db.exec("UPDATE pages SET bodies = replace(bodies, 'call', 'cell') WHERE first = 6"))).toThrow('does not fit its checkpoint of 12 records');
  expect(() => proveConsistency(original.path, 4, 11)).toThrow('There is no checkpoint of 11 records in the ledger. Near it there are those of 4, 8, 12.');
});

test('one checkpoint is proven to be a beginning of another, and only of that', () => {
  const text = proveConsistency(original.path, 4, 12);
  expect(checkConsistency(text, verifier)).toMatchObject({ ok: true, older: { size: 4 }, newer: { size: 12 } });
  const [, second = ''] = original.notes;
  const [first = ''] = original.notes;
  expect(checkConsistency(text.replace(first, second), verifier)).toMatchObject({ ok: false, reason: expect.stringContaining('do not begin with') });
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ by;
      expect(checkConsistency(changed.toString(), verifier)).toMatchObject({ ok: false });
    }),
    { numRuns: 1000 },
  );
});

test('the commands: verify, key, prove and check-proof, with nothing running and on a copy', async () => {
  const place = newPlace();
  const signed = await signedLedger({ dir: temporaryDir() });
  const elsewhere = place.write('checkpoints', signed.notes.join('\n'));
  const proof = join(place.dir, 'proof');
  const run = (...args: string[]) => place.run('audit', ...args);
  const proven = await run('prove', '6', '--data', signed.dir, '--out', proof);
  expect(proven).toMatchObject({ code: 0, out: '', err: expect.stringContaining('The proof is in') });
  const checked = await run('check-proof', proof, '--pub', PUBLIC_KEY);
  expect(checked.out).toBe(`The proof holds: record 6 is among the 12 records of a checkpoint signed by ${verifier.name}. The record:\n${outsider(readFileSync(proof, 'utf8'), PUBLIC_KEY)}\n`);
  writeFileSync(proof, readFileSync(proof, 'utf8').replace('index 5', 'index 6'));
  expect(await run('check-proof', proof, '--pub', PUBLIC_KEY)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^The proof does not hold: the record is not number 7/) });
  const sound = await run('verify', signed.path, '--checkpoint', elsewhere, '--pub', PUBLIC_KEY);
  expect(sound).toMatchObject({ code: 0, err: '' });
  expect(sound.out).toMatch(new RegExp(`^The ledger is sound: 12 records\\. Head: record 12, SHA-256 [\\da-f]{64}\nCheckpoints: 6, signed by ${verifier.name}; the largest vouches for all of it\\.\n$`));
  const copy = tamperedCopy(signed.path, (db) => void db.exec("UPDATE pages SET bodies = replace(bodies, 'call', 'cell') WHERE first = 6"));
  expect(await run('verify', copy, '--pub', PUBLIC_KEY)).toEqual({ code: 1, out: '', err: 'Record 6 of the ledger is wrong: its text is not the one that was hashed. The 5 records before it are sound.\n' });
  expect(JSON.parse((await run('verify', copy, '--pub', PUBLIC_KEY, '--json')).out)).toMatchObject({ ok: false, seq: 6, key: { from: 'given' } });
  const forged = place.write('forged', createSigner(Buffer.alloc(32, 9)).sign('signalbox/x\n12\nAAAA\n'));
  for (const args of [['--pub', 'no key'], ['--checkpoint', place.write('empty', 'nothing\n')], ['--checkpoint', join(place.dir, 'absent')]]) expect(await run('verify', signed.path, ...args)).toMatchObject({ code: 2, out: '' });
  expect(await run('verify', signed.path, '--pub', PUBLIC_KEY, '--checkpoint', forged)).toMatchObject({ code: 1, err: expect.stringMatching(/^The checkpoint of \d+ records in .*forged is wrong: it is forged/) });
}, 30_000);
