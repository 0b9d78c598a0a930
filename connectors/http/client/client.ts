/**
 * POSTs to one upstream over connections that are kept: as many as are allowed, the rest in order of arrival. For the
 * call path; streams, DELETE and everything rare go through undici.
 */
import type { LookupFunction } from 'node:net';
import { Connection, serverNameOf, type ConnectionOwner, type Target } from './connection.ts';
import type { Posting } from './posting.ts';

export interface HttpClientOptions {
  readonly url: URL;
  /** What the `host` field says, where that is not the URL's own host. */
  readonly hostField: string | undefined;
  /** Judges each address that a name resolves to; the URL's own host has been judged before. */
  readonly lookup: LookupFunction;
  readonly connectTimeoutMs: number;
  readonly connections: number;
}

export interface HttpClient {
  post(posting: Posting): void;
  /** Ends it wherever it is; it is told nothing more. */
  abort(posting: Posting): void;
  /** Closes everything at once; who waits is told nothing. */
  close(): void;
}

const SWEEP_MS = 1_000;

export const createHttpClient = (options: HttpClientOptions): HttpClient => new Client(options);

class Client implements HttpClient, ConnectionOwner {
  readonly #target: Target;
  readonly #connections: number;
  readonly #open = new Set<Connection>();
  /** The last used is used first: the others can grow old. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<Posting>();
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ url, hostField, lookup, connectTimeoutMs, connections }: HttpClientOptions) {
    const secure = url.protocol === 'https:';
    this.#connections = connections;
    this.#target = {
      secure,
      host: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      serverName: serverNameOf(hostField ?? url.hostname),
      lookup,
      connectTimeoutMs,
      session: undefined,
    };
  }

  post(posting: Posting): void {
    const connection = this.#takeIdle();
    if (connection !== undefined) connection.send(posting);
    else if (this.#open.size < this.#connections) this.#connect(posting);
    else this.#waiting.add(posting);
  }

  abort(posting: Posting): void {
    if (!this.#waiting.delete(posting)) posting.carrier?.drop();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    clearTimeout(this.#sweeping);
    for (const connection of this.#open) connection.drop();
  }

  free(connection: Connection): void {
    const next = this.#next();
    if (next !== undefined) return connection.send(next);
    this.#idle.push(connection);
    this.#sweeping ??= setTimeout(this.#sweep, SWEEP_MS).unref();
  }

  ended(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const next = this.#closed ? undefined : this.#next();
    if (next !== undefined) this.#connect(next);
  }

  #connect(posting: Posting): void {
    this.#open.add(new Connection(this.#target, this, posting));
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (performance.now() < connection.usableUntil) return connection;
      connection.drop();
    }
    return undefined;
  }

  #next(): Posting | undefined {
    for (const posting of this.#waiting) {
      this.#waiting.delete(posting);
      return posting;
    }
    return undefined;
  }

  readonly #sweep = (): void => {
    this.#sweeping = undefined;
    const now = performance.now();
    for (const connection of this.#idle.filter(({ usableUntil }) => now >= usableUntil)) connection.drop();
    if (this.#idle.length > 0) this.#sweeping = setTimeout(this.#sweep, SWEEP_MS).unref();
  };
}
