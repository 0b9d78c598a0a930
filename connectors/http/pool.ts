/** Connections by undici to one upstream, for streams and for what needs no answer: no redirects, no timeouts but the session's, and only judged addresses. */
import { Pool } from 'undici';
import type { AddressGuard } from './address.ts';

export interface PoolOptions {
  readonly origin: string;
  readonly guard: AddressGuard;
  readonly connectTimeoutMs: number;
  /** Calls in flight at once; streams and notifications come on top. */
  readonly concurrency: number;
}

/** For streams and the connector's own questions, beside the calls. */
export const EXTRA_CONNECTIONS = 8;

export const createPool = ({ origin, guard, connectTimeoutMs, concurrency }: PoolOptions): Pool =>
  new Pool(origin, {
    connections: concurrency + EXTRA_CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    connect: { lookup: guard.lookup, timeout: connectTimeoutMs },
    // Deadlines are the session's: it knows of progress.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
