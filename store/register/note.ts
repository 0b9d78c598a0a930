/**
 * Signed notes (c2sp.org/signed-note) with Ed25519 keys: text, a blank line, a line for each signature. What the text says
 * is not looked at here, and no key is kept.
 */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';

/** The signature type for Ed25519. */
const ED25519 = 1;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
/** What comes before the 32 bytes in the two encodings (RFC 8410, sections 4 and 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
/** Control characters other than the line feed. */
const CONTROL = /[^\n\P{Cc}]/u;
const NAME = /^[^\s+]+$/u;

export interface Signer {
  /** Of the key, and of the log: unique, since it is made of the key. */
  readonly name: string;
  /** The public key as `NAME+ID+KEY`, as tools for notes read it. */
  readonly publicKey: string;
  /** The note of a text that ends with a line feed. */
  sign(text: string): string;
}

export interface Verifier {
  readonly name: string;
  /** What the note says, or why it is not believed. */
  open(note: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };
}

/** @param seed 32 secret bytes (RFC 8032, section 5.1.5) */
export function createSigner(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length);
  const name = `signalbox/${hash('sha256', raw, 'hex').slice(0, 16)}`;
  const encoded = Buffer.concat([Buffer.of(ED25519), raw]);
  const id = keyId(name, encoded);
  return {
    name,
    publicKey: `${name}+${id.toString('hex')}+${encoded.toString('base64')}`,
    sign: (text) => `${text}\n\u2014 ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString('base64')}\n`,
  };
}

/** @throws Error in words when `publicKey` is none */
export function createVerifier(publicKey: string): Verifier {
  const [, name = '', idText = '', keyText = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(publicKey.trim()) ?? [];
  const encoded = strictBase64(keyText);
  if (encoded?.length !== 1 + PUBLIC_KEY_BYTES || encoded[0] !== ED25519 || !NAME.test(name)) {
    throw new Error('expected a public key as "signalbox audit key" prints it (NAME+ID+KEY, Ed25519), found something else');
  }
  const id = keyId(name, encoded);
  if (id.toString('hex') !== idText) throw new Error('the public key does not fit its own id: it was copied wrongly');
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, encoded.subarray(1)]), format: 'der', type: 'spki' });
  return {
    name,
    open(note) {
      const border = note.lastIndexOf('\n\n');
      const text = note.slice(0, border + 1);
      const signatures = note.slice(border + 2);
      if (border < 0 || CONTROL.test(note) || !/^(?:\u2014 [^\s+]+ [A-Za-z0-9+/=]+\n)+$/u.test(signatures)) return { ok: false, reason: 'it is no signed note' };
      let isSigned = false;
      for (const line of signatures.trimEnd().split('\n')) {
        const [, signer, encodedSignature = ''] = line.split(' ');
        const signature = strictBase64(encodedSignature);
        // Signatures of others are no concern of this key; an id alone may be met by chance.
        if (signer !== name || signature?.subarray(0, KEY_ID_BYTES).equals(id) !== true) continue;
        if (!verify(null, Buffer.from(text), key, signature.subarray(KEY_ID_BYTES))) return { ok: false, reason: `its signature is not one of ${name}` };
        isSigned = true;
      }
      return isSigned ? { ok: true, text } : { ok: false, reason: `it is not signed by ${name}` };
    },
  };
}

const keyId = (name: string, encoded: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer').subarray(0, KEY_ID_BYTES);

/** Bytes that are written in one way only: bits that mean nothing are none that may be changed (RFC 4648, section 3.5). */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
