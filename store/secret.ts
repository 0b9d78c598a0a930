/**
 * The gateway's own secret, made once for a data directory, and the keys for its several uses: none of them tells
 * anything about another, or about the secret (RFC 5869). It is no caller's key; those are in keys.ts.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile, ensureDataDir, OWNER_ONLY_FILE } from './files.ts';

const SECRET_FILE = 'secret.key';
const SECRET_BYTES = 32;
const SECRET_TEXT = /^[0-9a-f]{64}\n?$/;

export interface GatewaySecret {
  /** The same for the same purpose as long as the secret is. `purpose` names one use, e.g. `audit-arguments`. */
  derive(purpose: string, bytes?: number): Buffer;
}

/** Reads the directory's secret, made now if there is none. @throws Error when the file is not what was written */
export function openSecret(dataDir: string): GatewaySecret {
  ensureDataDir(dataDir);
  const path = join(dataDir, SECRET_FILE);
  const secret = readSecret(path) ?? makeSecret(path);
  return {
    // No salt: the secret is uniformly random already (RFC 5869, section 3.1).
    derive: (purpose, bytes = SECRET_BYTES) =>
      Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `signalbox/${purpose}`, bytes)),
  };
}

function makeSecret(path: string): Buffer {
  createPrivateFile(path, `${randomBytes(SECRET_BYTES).toString('hex')}\n`);
  // Read back, since another process may have been first.
  const secret = readSecret(path);
  if (secret === undefined) throw new Error(`${path} went away while it was made`);
  return secret;
}

function readSecret(path: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (!SECRET_TEXT.test(text)) {
    throw new Error(
      `${path} is damaged: expected ${SECRET_BYTES} bytes as hex. Put it back from a backup; a new one makes earlier argument digests incomparable.`,
    );
  }
  chmodSync(path, OWNER_ONLY_FILE);
  return Buffer.from(text.trim(), 'hex');
}
