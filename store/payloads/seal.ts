/**
 * Payloads of calls (exact arguments, exact results), sealed with AES-256-GCM (NIST SP 800-38D) and bound to the record that
 * they stand in. It chooses no key and knows no ledger.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealingKey } from './keys.ts';

/** As it stands in a record. */
export interface SealedPayload {
  /** Id of the tenant's key. */
  readonly key: string;
  /** Nonce, tag and text, in base64. */
  readonly data: string;
  /** Bytes of the whole, where it was cut. */
  readonly of?: number;
}

/** What the seal holds besides the text: moved to another record it does not open. */
export interface PayloadPlace {
  readonly kind: string;
  readonly call: string;
  readonly tenant: string;
}

/** A payload larger than this is cut: the ledger is no file store. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function sealPayload({ id, key }: SealingKey, place: PayloadPlace, text: string): SealedPayload {
  const bytes = Buffer.from(text);
  const isCut = bytes.length > MAX_PAYLOAD_BYTES;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(place));
  const sealed = cipher.update(isCut ? bytes.subarray(0, endOfCharacter(bytes, MAX_PAYLOAD_BYTES)) : bytes);
  cipher.final();
  return { key: id, data: Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64'), ...(isCut ? { of: bytes.length } : {}) };
}

/** @throws Error where it was not sealed with this key for this place */
export function openPayload({ key }: SealingKey, place: PayloadPlace, { data }: SealedPayload): string {
  const bytes = Buffer.from(data, 'base64');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(place)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
}

/** JSON, so that no two places are written the same. */
const boundTo = ({ kind, call, tenant }: PayloadPlace): Buffer => Buffer.from(JSON.stringify(['payload', kind, call, tenant]));

/** The last place up to `at` that does not cut a character of UTF-8 in two. */
function endOfCharacter(bytes: Buffer, at: number): number {
  let end = at;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}
