/**
 * One socket to an upstream and the posting that it carries, never more than one: no pipelining. Whatever is not as it
 * should be ends the socket, so that no answer can meet another's request. It repeats nothing.
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Posting, PostFault } from './posting.ts';
import { ResponseReader, type ResponseEvents, type ResponseHead } from './response.ts';

export interface Target {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must be for; empty for an address. */
  readonly serverName: string;
  readonly lookup: LookupFunction;
  readonly connectTimeoutMs: number;
  /** Of the last TLS session, so that the next connection is cheaper. */
  session: Buffer | undefined;
}

export interface ConnectionOwner {
  /** The connection waits for another posting. */
  free(connection: Connection): void;
  /** It is of no more use. Its posting, if it had one, is told after this. */
  ended(connection: Connection): void;
}

const READ_BYTES = 64 * 1024;
const KEEP_ALIVE_PROBE_MS = 60_000;
/** Where the peer does not say how long it waits: below the 5 s that Node and uvicorn do. */
const IDLE_MS = 4_000;
const LONGEST_IDLE_MS = 60_000;
/** For the way there: a request must not arrive as the peer closes. */
const IDLE_MARGIN_MS = 1_000;

export class Connection implements ResponseEvents {
  /** Idle, it is not used from then on (`performance.now()`). */
  usableUntil = 0;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  readonly #connecting: NodeJS.Timeout;
  #posting: Posting | undefined;
  #connected = false;
  #dead = false;

  constructor(target: Target, owner: ConnectionOwner, first: Posting) {
    this.#owner = owner;
    this.#reader = new ResponseReader(this);
    this.#posting = first;
    first.carrier = this;
    // Bytes are read into one buffer for the socket's whole life and taken out of it before the callback returns.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#socket = open(target, { buffer, callback: (length) => this.#read(buffer, length) });
    this.#connecting = setTimeout(() => this.#fail(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' })), target.connectTimeoutMs);
    this.#listen(target);
  }

  /** Only for one that is free. */
  send(posting: Posting): void {
    this.#posting = posting;
    posting.carrier = this;
    this.#write(posting);
  }

  /** Ends the connection; its posting is told nothing. */
  drop(): void {
    this.#posting = undefined;
    this.#end();
  }

  head(head: ResponseHead): void {
    this.#posting?.onHead(head);
  }

  body(bytes: Buffer, from: number, to: number, last: boolean): void {
    const posting = this.#posting;
    if (last) this.#settle();
    posting?.onBody(bytes, from, to, last);
  }

  /** The answer is whole: the connection is free before its posting knows, so that the next call can have it. */
  #settle(): void {
    const reader = this.#reader;
    if (this.#posting !== undefined) this.#posting.carrier = undefined;
    this.#posting = undefined;
    const idleMs = reader.keepAliveMs === undefined ? IDLE_MS : Math.min(reader.keepAliveMs - IDLE_MARGIN_MS, LONGEST_IDLE_MS);
    // A peer that answers before it has read the whole request, or says more than was asked, is not asked again.
    if (this.#dead || !reader.persistent || reader.rest > 0 || this.#socket.writableLength > 0 || idleMs <= 0) return this.#end();
    this.usableUntil = performance.now() + idleMs;
    reader.reset();
    this.#owner.free(this);
  }

  #listen(target: Target): void {
    const socket = this.#socket;
    socket.once(target.secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(this.#connecting);
      this.#connected = true;
      if (this.#posting !== undefined) this.#write(this.#posting);
    });
    socket.once('end', () => {
      if (!this.#reader.end()) this.#fail(closedByPeer());
    });
    socket.on('error', (error) => this.#fail(error));
    socket.once('close', () => this.#fail(closedByPeer()));
    if (target.secure) socket.on('session', (session: Buffer) => (target.session = session));
  }

  #write({ head, body }: Posting): void {
    const socket = this.#socket;
    const bytes = Buffer.byteLength(body);
    const start = `${head}content-length: ${bytes}\r\n\r\n`;
    // One write, one system call. A body of ASCII is the same in both encodings, and fields are Latin-1 (RFC 9110, section 5.5).
    if (bytes === body.length) {
      socket.write(start + body, 'latin1');
      return;
    }
    socket.cork();
    socket.write(start, 'latin1');
    socket.write(body, 'utf8');
    socket.uncork();
  }

  #read(buffer: Buffer, length: number): boolean {
    if (this.#dead) return false;
    // Nothing was asked: whatever this is, it must not be taken for the answer to the next request.
    if (this.#posting === undefined) {
      this.#end();
      return false;
    }
    this.#reader.push(buffer, 0, length);
    const { problem } = this.#reader;
    if (problem !== undefined) this.#tell({ type: 'malformed', problem });
    return !this.#dead;
  }

  #fail(error: Error): void {
    this.#tell({ type: this.#connected ? 'lost' : 'unsent', error });
  }

  #tell(fault: PostFault): void {
    const posting = this.#posting;
    this.#posting = undefined;
    this.#end();
    posting?.onFault(fault);
  }

  #end(): void {
    if (this.#dead) return;
    this.#dead = true;
    clearTimeout(this.#connecting);
    this.#reader.stop();
    this.#socket.destroy();
    this.#owner.ended(this);
  }
}

const closedByPeer = (): Error => Object.assign(new Error('closed by the peer'), { code: 'ECONNRESET' });

function open(target: Target, onread: { buffer: Buffer; callback: (length: number) => boolean }): Socket | TLSSocket {
  const { host, port, lookup, serverName, session } = target;
  const common = { host, port, lookup, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS };
  if (!target.secure) return connectTcp(common);
  return connectTls({ ...common, ALPNProtocols: ['http/1.1'], ...(serverName === '' ? {} : { servername: serverName }), ...(session === undefined ? {} : { session }) });
}

/** The name for TLS in a host field. */
export function serverNameOf(hostField: string): string {
  const name = hostField.startsWith('[') ? hostField.slice(1, hostField.indexOf(']')) : hostField.replace(/:\d*$/, '');
  return isIP(name) === 0 ? name : '';
}
