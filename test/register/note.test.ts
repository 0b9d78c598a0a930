/** Signed notes and checkpoints: those of others can be read, and none that was changed in any way is believed. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkpointText, createSigner, createVerifier, openCheckpoint, splitNotes } from '../../store/index.ts';
import { PUBLIC_KEY, SEED } from './support.ts';

const signer = createSigner(SEED);
const verifier = createVerifier(PUBLIC_KEY);
const ROOT = 'r'.repeat(32);
const note = signer.sign(checkpointText({ origin: signer.name, size: 20_852_163, root: ROOT }));

test('the note of the Go implementation verifies with its key, and its text is what was signed [REGISTER-2]', () => {
  // golang.org/x/mod/sumdb/note: the example of its documentation.
  const peter = createVerifier('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
  const text = 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n';
  const signed = `${text}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
  expect(peter.open(signed)).toEqual({ ok: true, text });
});

test('a checkpoint is origin, size and root, signed with the key of its name [REGISTER-2]', () => {
  const [origin, size, root, blank, signature, end] = note.split('\n');
  expect([origin, size, blank, end]).toEqual([signer.name, '20852163', '', '']);
  expect(Buffer.from(root ?? '', 'base64').toString('latin1')).toBe(ROOT);
  expect(signature).toMatch(new RegExp(`^\u2014 ${signer.name} [A-Za-z0-9+/]{91}=$`));
  expect(openCheckpoint(note, verifier)).toEqual({ origin: signer.name, size: 20_852_163, root: ROOT });
});

test('a change of any byte of a note makes it worthless [REGISTER-4]', () => {
  const bytes = Buffer.from(note);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ by;
      expect(openCheckpoint(changed.toString(), verifier)).toHaveProperty('reason');
    }),
    { numRuns: 2000 },
  );
});

test('signatures of others are passed over; one that claims to be of the key and is not spoils the note', () => {
  const other = createSigner(Buffer.alloc(32, 8));
  const foreign = other.sign(note.slice(0, note.indexOf('\n\n') + 1)).split('\n').at(-2) ?? '';
  expect(openCheckpoint(`${note}${foreign}\n`, verifier)).toMatchObject({ size: 20_852_163 });
  expect(openCheckpoint(note, createVerifier(other.publicKey))).toMatchObject({ reason: expect.stringContaining(`not signed by ${other.name}`) });
  const line = note.split('\n').at(-2) ?? '';
  const swapped = line.replace(/.{8}=$/, 'AAAAAAAA=');
  expect(openCheckpoint(`${note}${swapped}\n`, verifier)).toMatchObject({ reason: expect.stringContaining('its signature is not one of') });
});

test('a checkpoint of another log under our key, and a size or root that is none, are not believed', () => {
  const opened = (text: string) => openCheckpoint(signer.sign(text), verifier);
  expect(opened(checkpointText({ origin: 'example.com/other', size: 1, root: ROOT }))).toMatchObject({ reason: expect.stringContaining('another log') });
  const root = Buffer.from(ROOT).toString('base64');
  for (const size of ['', '01', '-1', '1e3', '9007199254740993']) expect(opened(`${signer.name}\n${size}\n${root}\n`)).toHaveProperty('reason');
  for (const wrong of ['', root.slice(4), `${root}=`, root.replace('=', 'A')]) expect(opened(`${signer.name}\n1\n${wrong}\n`)).toHaveProperty('reason');
});

test('a public key that was cut, changed or is of another kind is refused in words', () => {
  for (const wrong of ['', 'x', PUBLIC_KEY.slice(0, -4), PUBLIC_KEY.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), PUBLIC_KEY.replace('+Ae', '+Be')]) {
    expect(() => createVerifier(wrong)).toThrow(/public key/);
  }
  expect(createVerifier(`${PUBLIC_KEY}\n`).name).toBe(signer.name);
});

test('the key of a seed is the one of RFC 8032', () => {
  // RFC 8032, section 7.1, test 2.
  const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
  const encoded = Buffer.from(createSigner(seed).publicKey.split('+').slice(2).join('+'), 'base64');
  expect(encoded.toString('hex')).toBe('013d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' });
  expect(sign(null, Buffer.from('72', 'hex'), key).toString('hex')).toMatch(/^92a009a9f0d4cab8/);
  expect(createPublicKey(key).export({ format: 'jwk' })['x']).toBe(encoded.subarray(1).toString('base64url'));
});

test('a file of notes gives them back whole, whatever half of one stands between them', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: note.length - 1 }), { maxLength: 4 }), (cuts) => {
      const text = [note, ...cuts.map((cut) => `${note.slice(0, cut)}\n\n${note}`)].join('\n');
      // Without its last line feed it is whole.
      const whole = cuts.filter((cut) => cut === note.length - 1).length;
      expect(splitNotes(text).notes).toEqual(Array.from({ length: cuts.length + 1 + whole }, () => note));
    }),
  );
  expect(splitNotes(`${note}\n${note}`)).toEqual({ notes: [note, note], strayLines: 0 });
  expect(splitNotes(note.trimEnd())).toEqual({ notes: [note], strayLines: 0 });
  expect(splitNotes('no note\nat all\n')).toEqual({ notes: [], strayLines: 2 });
});
