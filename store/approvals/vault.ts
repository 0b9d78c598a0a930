/**
 * Arguments that an approver wrote, kept so that only this gateway can read them (AES-256-GCM, NIST SP 800-38D): they may
 * hold what nobody redacted. Bound to the request that they belong to.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isJsonObject, parseLossless, type JsonObject } from '../../core/json.ts';

export interface Vault {
  seal(id: string, args: JsonObject): Buffer;
  /** @throws Error where it was not sealed with this key for this id */
  open(id: string, sealed: Buffer): JsonObject;
}

const CIPHER = 'aes-256-gcm';
/** Random, under one key: safe for 2^32 messages (SP 800-38D, 8.3), each of which a person wrote. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key 32 bytes, for nothing else */
export function createVault(key: Buffer): Vault {
  return {
    seal(id, args) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(id));
      const text = Buffer.concat([cipher.update(JSON.stringify(args), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    open(id, sealed) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(id)).setAuthTag(tag);
      const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      const args = parseLossless(text);
      if (!isJsonObject(args)) throw new Error(`the arguments of approval ${id} are no object`);
      return args;
    },
  };
}
