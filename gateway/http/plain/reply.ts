/** The answer to one request: what the ways in need of a `ServerResponse`, and the same written straight to the socket. */
import type { ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

export interface Reply extends Pick<ServerResponse, 'headersSent' | 'destroyed' | 'writableEnded' | 'writableFinished' | 'writableLength'> {
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: Readonly<Record<string, string | number>>): Reply;
  flushHeaders(): void;
  write(text: string): unknown;
  end(body?: string | Buffer): unknown;
  destroy(): unknown;
  /** After the answer has ended, or the client has gone. */
  once(event: 'close', listener: () => void): unknown;
}

/** Who owns the connection that a reply goes out on. */
export interface Line {
  readonly socket: Socket;
  /** The server takes no further requests. */
  isClosing(): boolean;
  /** The answer is written whole. */
  replied(keep: boolean): void;
}

/** RFC 9110, section 6.6.1, made once a second. */
let dateText = '';
let dateSecond = 0;
function dateNow(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}

export class PlainReply implements Reply {
  readonly #line: Line;
  #fields = '';
  #head = '';
  #keep = true;
  #chunked = false;
  #onClose: (() => void)[] | undefined;
  headersSent = false;
  writableEnded = false;

  constructor(line: Line) {
    this.#line = line;
  }

  get destroyed(): boolean {
    return this.#line.socket.destroyed;
  }

  get writableFinished(): boolean {
    return this.writableEnded;
  }

  get writableLength(): number {
    return this.#line.socket.writableLength;
  }

  setHeader(name: string, value: string): void {
    if (name === 'connection') this.#keep &&= value !== 'close';
    else this.#fields += `${name}: ${value}\r\n`;
  }

  writeHead(status: number, headers?: Readonly<Record<string, string | number>>): this {
    let fields = this.#fields;
    let counted = status === 204;
    for (const name in headers) {
      fields += `${name}: ${headers[name]}\r\n`;
      if (name === 'content-length') counted = true;
    }
    this.#keep &&= !this.#line.isClosing();
    const connection = this.#keep ? 'keep-alive\r\nKeep-Alive: timeout=65' : 'close';
    this.#head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields}Date: ${dateNow()}\r\nConnection: ${connection}\r\n`;
    this.#chunked = !counted;
    return this;
  }

  flushHeaders(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    this.#line.socket.write(`${this.#head}${this.#chunked ? 'Transfer-Encoding: chunked\r\n' : ''}\r\n`, 'latin1');
  }

  write(text: string): void {
    this.flushHeaders();
    if (text !== '') this.#line.socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  }

  end(body: string | Buffer = ''): void {
    if (this.writableEnded) return;
    this.writableEnded = true;
    const { socket } = this.#line;
    if (this.headersSent) {
      // Only a stream gets here: its body was written before.
      socket.write('0\r\n\r\n', 'latin1');
    } else {
      this.headersSent = true;
      const head = this.#chunked ? `${this.#head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n` : `${this.#head}\r\n`;
      if (typeof body === 'string') socket.write(head + body);
      else {
        socket.cork();
        socket.write(head, 'latin1');
        socket.write(body);
        socket.uncork();
      }
    }
    this.#line.replied(this.#keep);
    this.closed();
  }

  destroy(): void {
    this.#line.socket.destroy();
  }

  once(_event: 'close', listener: () => void): void {
    (this.#onClose ??= []).push(listener);
  }

  /** The answer has ended, or the connection has. */
  closed(): void {
    const listeners = this.#onClose;
    this.#onClose = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }
}
