/**
 * Who is calling, from the request's headers alone. A principal comes out, or a reason that says nothing to an attacker.
 * What the principal may do is not decided here.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Origin } from '../core/origin.ts';
import type { Principal, Proof } from '../core/principal.ts';
import type { CallerSettings, SecretSource } from '../core/settings.ts';
import { hashKey } from '../store/index.ts';
import { one } from './mcp/envelope.ts';

export type Authenticated =
  | { readonly type: 'known'; readonly principal: Principal; readonly face: Origin['face']; readonly isOperator: boolean }
  | { readonly type: 'unknown'; readonly why: string };

export interface AuthenticatorParts {
  readonly callers: readonly CallerSettings[];
  readonly secrets: SecretSource;
  /** A key from the store, by the SHA-256 (hex) of its text. */
  readonly findKey: (hash: string) => { readonly id: string; readonly caller: string } | undefined;
  /** Held by whoever may read the data directory; lets the commands on this machine act for a caller. */
  readonly operatorToken: string;
}

/** Sent only with the operator's token, and worth nothing without it. */
export const ACT_AS_HEADER = 'x-signalbox-as';
export const FACE_HEADER = 'x-signalbox-face';

const LOCAL = { id: 'local', tenant: 'default', roles: [] } as const;
const STORED_HASH = /^sha256:([\da-f]{64})$/i;

/** @throws MissingSecret where a caller's key refers to something that is not there */
export function createAuthenticator(parts: AuthenticatorParts): (headers: IncomingHttpHeaders) => Authenticated {
  const callers = new Map(parts.callers.map((caller) => [caller.id, caller]));
  const byHash = new Map<string, Principal>();
  for (const caller of parts.callers) {
    if (caller.key === undefined) continue;
    const key = parts.secrets.resolve(caller.key);
    byHash.set(STORED_HASH.exec(key)?.[1]?.toLowerCase() ?? hashKey(key), principalOf(caller, 'key', 'config'));
  }
  const open = callers.size === 0;
  const anyone: Authenticated = { type: 'known', principal: { ...LOCAL, proof: 'loopback' }, face: 'mcp', isOperator: false };

  function operator(headers: IncomingHttpHeaders): Authenticated {
    const face = one(headers[FACE_HEADER]) === 'stdio' ? 'stdio' : 'cli';
    const id = one(headers[ACT_AS_HEADER]);
    if (id === undefined || (open && id === LOCAL.id)) {
      return { type: 'known', principal: { ...LOCAL, proof: face }, face, isOperator: true };
    }
    const caller = callers.get(id);
    if (caller === undefined) return { type: 'unknown', why: `no caller "${id.slice(0, 64)}" is configured` };
    return { type: 'known', principal: principalOf(caller, face), face, isOperator: true };
  }

  /** A store that cannot be read may hold a revocation: nobody is let in by it. */
  function findStored(hash: string): ReturnType<AuthenticatorParts['findKey']> | 'unreadable' {
    try {
      return parts.findKey(hash);
    } catch {
      return 'unreadable';
    }
  }

  return (headers) => {
    const key = presentedKey(headers);
    if (key !== undefined && isSame(key, parts.operatorToken)) return operator(headers);
    if (open) return anyone;
    if (key === undefined) return { type: 'unknown', why: 'no key was sent' };
    const hash = hashKey(key);
    const configured = byHash.get(hash);
    if (configured !== undefined) return { type: 'known', principal: configured, face: 'mcp', isOperator: false };
    const stored = findStored(hash);
    if (stored === 'unreadable') return { type: 'unknown', why: 'the key store cannot be read' };
    const caller = stored === undefined ? undefined : callers.get(stored.caller);
    if (stored === undefined || caller === undefined) return { type: 'unknown', why: 'the key is not known' };
    return { type: 'known', principal: principalOf(caller, 'key', stored.id), face: 'mcp', isOperator: false };
  };
}

function principalOf(caller: CallerSettings, proof: Proof, proofId?: string): Principal {
  return {
    id: caller.id,
    tenant: caller.tenant,
    roles: caller.roles,
    proof,
    ...(caller.profiles === undefined ? {} : { profiles: caller.profiles }),
    ...(proofId === undefined ? {} : { proofId }),
  };
}

function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  return one(headers['x-api-key']);
}

function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
