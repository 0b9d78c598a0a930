/**
 * What the gateway hands out and gets back through hands that it does not trust: encrypted and authenticated (AES-256-GCM,
 * NIST SP 800-38D), for one purpose, until one moment. It knows nothing of what is inside, and does not see to it that
 * something comes back only once.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../core/json.ts';

export type Opened =
  | { readonly type: 'opened'; readonly value: JsonObject }
  /** It was sealed here, for this purpose, and its time is over. */
  | { readonly type: 'expired' }
  /** Not from here, not for this purpose, or altered. */
  | { readonly type: 'invalid' };

export interface Sealer {
  /** @returns printable text (base64url), a third longer than the value's JSON */
  seal(purpose: string, value: JsonObject, expiresAtMs: number): string;
  /** Never throws, whatever it is given. */
  open(purpose: string, sealed: unknown, nowMs: number): Opened;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;
/** Nothing that is sealed here comes near it: longer text is not even decoded. */
const MAX_SEALED_CHARS = 16 * 1024;
const INVALID: Opened = { type: 'invalid' };

/** @param key 32 bytes that nothing else uses; random nonces are good for 2^32 seals with one (SP 800-38D, 8.3) */
export function createSealer(key: Buffer): Sealer {
  return {
    seal(purpose, value, expiresAtMs) {
      const head = Buffer.concat([Buffer.of(VERSION), randomBytes(NONCE_BYTES)]);
      const cipher = createCipheriv('aes-256-gcm', key, head.subarray(1), { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(purpose));
      const text = JSON.stringify({ expiresAtMs, value });
      return Buffer.concat([head, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    open(purpose, sealed, nowMs) {
      if (typeof sealed !== 'string' || sealed.length > MAX_SEALED_CHARS) return INVALID;
      const bytes = Buffer.from(sealed, 'base64url');
      // Written as it was sealed, and in no other of the ways that decode to the same bytes.
      if (bytes.length <= HEAD_BYTES + TAG_BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== sealed) return INVALID;
      const content = decrypt(key, purpose, bytes);
      const value = own(content, 'value');
      const expiresAtMs = own(content, 'expiresAtMs');
      if (!isJsonObject(value) || typeof expiresAtMs !== 'number') return INVALID;
      return nowMs < expiresAtMs ? { type: 'opened', value } : { type: 'expired' };
    },
  };
}

function decrypt(key: Buffer, purpose: string, bytes: Buffer): JsonObject | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, HEAD_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(purpose));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const boundTo = (purpose: string): Buffer => Buffer.from(`signalbox seal ${VERSION} ${purpose}`);
