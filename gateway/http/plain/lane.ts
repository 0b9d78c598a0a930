/**
 * The short way in for plain requests (`head.ts`) that arrive whole: read here, straight from the socket. A connection on
 * which anything else comes is given to `node:http` with what was read, and stays there. It knows nothing of MCP.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { readPlainHead, type PlainHead } from './head.ts';
import { PlainReply, type Line, type Reply } from './reply.ts';

export interface PlainRequest {
  readonly method: 'POST';
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly body: Buffer;
}

export interface LaneParts {
  /** Must not throw. */
  readonly handle: (req: PlainRequest, res: Reply) => void;
  /** Takes a connection that has had no listener of ours since. */
  readonly giveAway: (socket: Socket) => void;
  readonly isClosing: () => boolean;
  /** An idle connection is ended after so many sweeps; one that has said nothing at all after `silentSweeps`. */
  readonly idleSweeps: number;
  readonly silentSweeps: number;
}

export interface Lane {
  take(socket: Socket): void;
  /** To be called at a steady pace. */
  sweep(): void;
  closeIdle(): void;
  closeAll(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const POST = 0x504f5354;
const MAX_HEAD_BYTES = 16 * 1024;

export function createLane(parts: LaneParts): Lane {
  const connections = new Set<Connection>();
  const clock = { sweeps: 0 };
  return {
    take(socket) {
      connections.add(new Connection(socket, parts, clock, (connection) => connections.delete(connection)));
    },
    sweep() {
      clock.sweeps += 1;
      for (const connection of connections) connection.endIfIdle(clock.sweeps);
    },
    closeIdle() {
      for (const connection of connections) if (!connection.busy) connection.socket.destroy();
    },
    closeAll() {
      for (const connection of connections) connection.socket.destroy();
    },
  };
}

class Connection implements Line {
  readonly socket: Socket;
  readonly #parts: LaneParts;
  readonly #clock: { readonly sweeps: number };
  readonly #left: (connection: Connection) => void;
  #reply: PlainReply | undefined;
  /** What came while a request was under way. */
  #early: Buffer | undefined;
  /** A client's heads are nearly always the same: the same text says the same. */
  #headText = '';
  #head: PlainHead | undefined;
  #idleSince: number;
  #served = false;

  constructor(socket: Socket, parts: LaneParts, clock: { readonly sweeps: number }, left: (connection: Connection) => void) {
    this.socket = socket;
    this.#parts = parts;
    this.#clock = clock;
    this.#idleSince = clock.sweeps;
    this.#left = left;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('error', this.#onError);
  }

  get busy(): boolean {
    return this.#reply !== undefined;
  }

  isClosing(): boolean {
    return this.#parts.isClosing();
  }

  endIfIdle(sweeps: number): void {
    if (this.busy) return;
    if (sweeps - this.#idleSince > (this.#served ? this.#parts.idleSweeps : this.#parts.silentSweeps)) this.socket.destroy();
  }

  replied(keep: boolean): void {
    this.#reply = undefined;
    this.#idleSince = this.#clock.sweeps;
    if (!keep) return void this.socket.end();
    const early = this.#early;
    if (early === undefined) return;
    this.#early = undefined;
    this.#giveAway(early);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#reply !== undefined) {
      // Sent before its turn: nothing more is read until the answer is out.
      this.#early = this.#early === undefined ? chunk : Buffer.concat([this.#early, chunk]);
      this.socket.pause();
      return;
    }
    const head = chunk.length > 64 && chunk.readUInt32BE(0) === POST ? this.#readHead(chunk) : undefined;
    if (head === undefined) return this.#giveAway(chunk);
    this.#served = true;
    const reply = new PlainReply(this);
    this.#reply = reply;
    const { url, headers, length } = head;
    this.#parts.handle({ method: 'POST', url, headers, socket: this.socket, body: chunk.subarray(chunk.length - length) }, reply);
  };

  /** @returns undefined unless the chunk is one plain request, whole and with nothing behind it */
  #readHead(chunk: Buffer): PlainHead | undefined {
    const end = chunk.indexOf(HEAD_END);
    if (end === -1 || end > MAX_HEAD_BYTES) return undefined;
    const text = chunk.toString('latin1', 0, end + 2);
    if (text !== this.#headText || this.#head === undefined) {
      this.#head = readPlainHead(text);
      this.#headText = text;
    }
    return this.#head !== undefined && end + 4 + this.#head.length === chunk.length ? this.#head : undefined;
  }

  #giveAway(bytes: Buffer): void {
    const { socket } = this;
    this.#leave();
    this.#parts.giveAway(socket);
    socket.emit('data', bytes);
    if (socket.isPaused()) socket.resume();
  }

  /** Whoever says that it has nothing more to say hears nothing more, as `node:http` has it. */
  readonly #onEnd = (): void => {
    this.socket.destroy();
  };

  readonly #onError = (): void => {
    this.socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#leave();
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.closed();
  };

  #leave(): void {
    this.socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).off('error', this.#onError);
    this.#left(this);
  }
}
