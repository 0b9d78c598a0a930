/**
 * Sessions of 2025 clients: bound to their principal and profile, ended when idle, bounded in number.
 * 2026 requests have none.
 */
import { randomBytes } from 'node:crypto';
import type { CancelSource } from '../../core/cancel.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Principal } from '../../core/principal.ts';
import { abandon, type PendingAnswers } from './ask/client-requests.ts';
import type { RequestId } from './protocol.ts';
import type { EventStream } from './stream.ts';

export interface Session {
  readonly id: string;
  readonly principal: Principal;
  readonly profile: string | undefined;
  readonly protocolVersion: string;
  readonly clientInfo: JsonObject | undefined;
  readonly clientCapabilities: JsonObject | undefined;
  readonly inFlight: Map<RequestId, CancelSource>;
  /** Requests of the gateway to the client that wait for its answer. */
  readonly asked: PendingAnswers;
  /** GET streams, the newest last: server messages go to that one. */
  readonly streams: Set<EventStream>;
  /** Signature of the list that the client was last told of. */
  toldSignature: string | undefined;
  lastUsedAt: number;
}

export interface Sessions {
  open(session: Pick<Session, 'principal' | 'profile' | 'protocolVersion' | 'clientInfo' | 'clientCapabilities'>): Session;
  /** The session, if it is this principal's and this profile's; what belongs to another does not exist. */
  find(id: string, principal: Principal, profile: string | undefined): Session | undefined;
  close(session: Session): void;
  all(): Iterable<Session>;
  /** Ends sessions without streams and calls that nobody has used for `idleMs`. */
  sweep(): void;
  closeAll(): void;
  readonly size: number;
}

const IDLE_MS = 30 * 60_000;
const MAX_SESSIONS = 10_000;

/** @param onEnd told of each session that has ended, in whatever way */
export function createSessions(now: () => number = Date.now, onEnd?: (sessionId: string) => void): Sessions {
  // In order of use: the one used longest ago comes first, and goes first when there are too many.
  const sessions = new Map<string, Session>();

  function close(session: Session): void {
    sessions.delete(session.id);
    for (const call of session.inFlight.values()) call.cancel('The session was ended.');
    abandon(session.asked);
    for (const stream of session.streams) stream.end();
    onEnd?.(session.id);
  }

  const isIdle = (session: Session): boolean => session.streams.size === 0 && session.inFlight.size === 0;

  function makeRoom(): void {
    if (sessions.size < MAX_SESSIONS) return;
    for (const session of sessions.values()) {
      if (isIdle(session)) return close(session);
    }
    close(sessions.values().next().value as Session);
  }

  return {
    get size() {
      return sessions.size;
    },
    open(parts) {
      makeRoom();
      const session: Session = {
        ...parts,
        id: randomBytes(24).toString('base64url'),
        inFlight: new Map(),
        asked: new Map(),
        streams: new Set(),
        toldSignature: undefined,
        lastUsedAt: now(),
      };
      sessions.set(session.id, session);
      return session;
    },
    find(id, principal, profile) {
      const session = sessions.get(id);
      if (session === undefined || session.profile !== profile) return undefined;
      if (session.principal.id !== principal.id || session.principal.tenant !== principal.tenant) return undefined;
      session.lastUsedAt = now();
      sessions.delete(id);
      sessions.set(id, session);
      return session;
    },
    close,
    all: () => sessions.values(),
    sweep() {
      const limit = now() - IDLE_MS;
      for (const session of sessions.values()) {
        if (session.lastUsedAt > limit) return;
        if (isIdle(session)) close(session);
      }
    },
    closeAll() {
      for (const session of sessions.values()) close(session);
    },
  };
}
