/**
 * Bytes to one HTTP/1.1 response (RFC 9112), however they are cut, and strictly: what could be read in two ways is
 * refused. It keeps nothing but an unfinished line, and judges no status and no content.
 */
export interface ResponseHead {
  readonly status: number;
  /** Values of repeated fields are joined by commas (RFC 9110, section 5.3). */
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: number | undefined;
  readonly retryAfter: string | undefined;
  readonly sessionId: string | undefined;
}

export interface ResponseEvents {
  /** The final head; interim ones (1xx) are passed over. Lent as well: what is needed of it later is taken now. */
  head(head: ResponseHead): void;
  /**
   * A piece of the body, lent for the time of the call: the memory is used again. `last` comes exactly once, with an
   * empty piece where the end was learnt after the bytes; `rest` and `persistent` are settled by then.
   */
  body(bytes: Buffer, from: number, to: number, last: boolean): void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 4 * 1024;
const MAX_LENGTH_DIGITS = 15;
const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const NOTHING = Buffer.alloc(0);

const bytesWhere = (holds: (byte: number) => boolean): Uint8Array => Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
const TOKEN = bytesWhere((byte) => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)));
const VALUE = bytesWhere((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Extensions are passed over (RFC 9112, section 7.1.1), but must be such. */
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]*"))?)*$/;

type State = 'status' | 'fields' | 'fixed' | 'until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'done';

export class ResponseReader implements ResponseHead {
  /** What is wrong with the bytes, in words, once something is. */
  problem: string | undefined;
  /** How many bytes came after the end of the answer. */
  rest = 0;
  /** Whether the peer leaves the connection open for another request. */
  persistent = true;
  /** For how long, where it says so. Kept from answer to answer. */
  keepAliveMs: number | undefined;
  status = 0;
  contentType: string | undefined;
  contentEncoding: string | undefined;
  contentLength: number | undefined;
  retryAfter: string | undefined;
  sessionId: string | undefined;
  readonly #events: ResponseEvents;
  #state: State = 'status';
  #stopped = false;
  #oldVersion = false;
  #chunked = false;
  #keepAlive: string | undefined;
  #lineBytes = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #kept = NOTHING;
  #keptBytes = 0;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** Ready for the answer to the next request. */
  reset(): void {
    this.rest = 0;
    this.persistent = true;
    this.#state = 'status';
    this.#lineBytes = 0;
    this.#forgetHead();
  }

  /** Nobody listens any more: nothing is handed over from here on. */
  stop(): void {
    this.#stopped = true;
  }

  /** The peer has closed. True where that is how the body ends; else the answer is not whole. */
  end(): boolean {
    if (this.#state !== 'until-close') return false;
    this.rest = 0;
    this.#last(NOTHING, 0, 0);
    return true;
  }

  push(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (!this.#stopped && this.problem === undefined && this.#state !== 'done') {
      if (this.#state === 'fixed' || this.#state === 'chunk-data') {
        const length = Math.min(this.#left, to - at);
        if (length === 0) return;
        at += length;
        this.#left -= length;
        if (this.#left > 0 || this.#state === 'chunk-data') {
          if (this.#left === 0) this.#state = 'chunk-end';
          this.#events.body(bytes, at - length, at, false);
        } else {
          this.rest = to - at;
          this.#last(bytes, at - length, at);
        }
      } else if (this.#state === 'until-close') {
        if (at < to) this.#events.body(bytes, at, to, false);
        return;
      } else {
        if (at === to) return;
        const feed = lineFeed(bytes, at, to);
        if (feed === -1) return this.#keep(bytes, at, to);
        this.rest = to - feed - 1;
        this.#line(bytes, at, feed);
        at = feed + 1;
      }
    }
  }

  #last(bytes: Buffer, from: number, to: number): void {
    this.#state = 'done';
    this.#events.body(bytes, from, to, true);
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const needed = this.#keptBytes + to - from;
    if (needed > this.#lineBound()) return this.#fail('a line or the head is too long');
    if (needed > this.#kept.length) {
      const larger = Buffer.allocUnsafe(needed * 2);
      this.#kept.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    bytes.copy(this.#kept, this.#keptBytes, from, to);
    this.#keptBytes = needed;
  }

  #lineBound(): number {
    return this.#state === 'chunk-size' || this.#state === 'chunk-end' ? MAX_CHUNK_LINE_BYTES : MAX_HEAD_BYTES - this.#lineBytes;
  }

  /** The line whose line feed is at `feed`, with what was kept of it before. */
  #line(bytes: Buffer, from: number, feed: number): void {
    if (this.#keptBytes > 0) {
      this.#keep(bytes, from, feed + 1);
      if (this.problem !== undefined) return;
      const kept = this.#kept;
      const length = this.#keptBytes;
      this.#kept = NOTHING;
      this.#keptBytes = 0;
      return this.#line(kept, 0, length - 1);
    }
    const length = feed + 1 - from;
    if (length > this.#lineBound()) return this.#fail('a line or the head is too long');
    const to = feed - 1;
    // RFC 9112, section 2.2 lets a bare LF pass; peers that disagree on where a line ends are how answers get mixed up.
    if (to < from || bytes[to] !== CR) return this.#fail('a line does not end in CR LF');
    if (this.#state === 'chunk-size') return this.#chunkSize(bytes, from, to);
    if (this.#state === 'chunk-end') {
      if (to !== from) return this.#fail('a chunk is longer than it says');
      this.#state = 'chunk-size';
      return;
    }
    this.#lineBytes += length;
    if (this.#state === 'status') this.#statusLine(bytes, from, to);
    else if (to !== from) this.#field(bytes, from, to);
    else if (this.#state === 'trailers') this.#last(NOTHING, 0, 0);
    else this.#headEnds();
  }

  #statusLine(bytes: Buffer, from: number, to: number): void {
    const line = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(bytes.toString('latin1', from, to));
    if (line === null) return this.#fail('it does not begin with an HTTP/1.1 status line');
    this.status = Number(line[2]);
    this.#oldVersion = line[1] === '0';
    this.#state = 'fields';
  }

  /** Only what is needed is read; every line must be a field all the same (so no folding, RFC 9112, section 5.2). */
  #field(bytes: Buffer, from: number, to: number): void {
    let colon = from;
    while (TOKEN[bytes[colon] as number] === 1) colon++;
    if (colon === from || bytes[colon] !== COLON) return this.#fail('a header line is malformed');
    for (let at = colon + 1; at < to; at++) if (VALUE[bytes[at] as number] === 0) return this.#fail('a header value holds a control character');
    if (this.#state === 'trailers') return;
    switch (colon - from) {
      case 10:
        if (names(bytes, from, 'connection')) this.#connection(valueOf(bytes, colon, to));
        else if (names(bytes, from, 'keep-alive')) this.#keepAliveFor(valueOf(bytes, colon, to));
        return;
      case 11:
        if (names(bytes, from, 'retry-after')) this.retryAfter = joined(this.retryAfter, valueOf(bytes, colon, to));
        return;
      case 12:
        if (names(bytes, from, 'content-type')) this.contentType = joined(this.contentType, valueOf(bytes, colon, to));
        return;
      case 14:
        if (names(bytes, from, 'content-length')) this.#length(valueOf(bytes, colon, to));
        else if (names(bytes, from, 'mcp-session-id')) this.sessionId = joined(this.sessionId, valueOf(bytes, colon, to));
        return;
      case 16:
        if (names(bytes, from, 'content-encoding')) this.contentEncoding = joined(this.contentEncoding, valueOf(bytes, colon, to));
        return;
      case 17:
        if (names(bytes, from, 'transfer-encoding')) this.#transferEncoding(valueOf(bytes, colon, to));
        return;
    }
  }

  #length(value: string): void {
    if (this.contentLength !== undefined) return this.#fail('it has two lengths');
    if (value.length > MAX_LENGTH_DIGITS || !/^\d+$/.test(value)) return this.#fail('its length is no number');
    this.contentLength = Number(value);
  }

  #transferEncoding(value: string): void {
    if (this.#chunked || value.toLowerCase() !== 'chunked') this.#fail('its transfer encoding is not "chunked"');
    this.#chunked = true;
  }

  #connection(value: string): void {
    if (value !== 'keep-alive' && value.split(',').some((option) => option.trim().toLowerCase() === 'close')) this.persistent = false;
  }

  #keepAliveFor(value: string): void {
    if (value === this.#keepAlive) return;
    this.#keepAlive = value;
    const seconds = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,6})(?!\d)/i.exec(value)?.[1];
    this.keepAliveMs = seconds === undefined ? undefined : Number(seconds) * 1_000;
  }

  #headEnds(): void {
    const { status } = this;
    // Nothing was asked to be upgraded (RFC 9110, section 15.2.2).
    if (status === 101) return this.#fail('it changes to another protocol');
    if (status < 200 && this.#oldVersion) return this.#fail('it is an interim answer in HTTP/1.0, which has none');
    if (status < 200) {
      this.#state = 'status';
      this.#forgetHead();
      return;
    }
    // RFC 9112, section 6.1: such a message may be an attempt at smuggling.
    if (this.#chunked && (this.contentLength !== undefined || this.#oldVersion)) return this.#fail('it has a length and a transfer encoding, or chunks in HTTP/1.0');
    if (this.#oldVersion) this.persistent = false;
    const empty = status === 204 || status === 304 || (this.contentLength === 0 && !this.#chunked);
    if (empty) this.#state = 'done';
    else if (this.#chunked) this.#state = 'chunk-size';
    else if (this.contentLength !== undefined) {
      this.#state = 'fixed';
      this.#left = this.contentLength;
    } else {
      this.#state = 'until-close';
      this.persistent = false;
    }
    this.#events.head(this);
    if (empty && !this.#stopped) this.#last(NOTHING, 0, 0);
  }

  #chunkSize(bytes: Buffer, from: number, to: number): void {
    const size = CHUNK_SIZE.exec(bytes.toString('latin1', from, to))?.[1];
    if (size === undefined) return this.#fail('a chunk has no valid size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
    if (this.#left === 0) this.#lineBytes = 0;
  }

  #forgetHead(): void {
    this.contentType = undefined;
    this.contentEncoding = undefined;
    this.contentLength = undefined;
    this.retryAfter = undefined;
    this.sessionId = undefined;
    this.#chunked = false;
  }

  #fail(problem: string): void {
    this.problem ??= problem;
  }
}

function lineFeed(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === LF) return at;
  return -1;
}

/** Whether the token at `from` is `name`, whatever its case. Setting the bit makes no token byte a letter that is none. */
function names(bytes: Buffer, from: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) if (((bytes[from + at] as number) | 0x20) !== name.charCodeAt(at)) return false;
  return true;
}

/** Without the white space around it, which is SP and HTAB only: `trim` would also take U+00A0 away. */
function valueOf(bytes: Buffer, colon: number, to: number): string {
  let from = colon + 1;
  let end = to;
  while (from < end && blank(bytes[from])) from++;
  while (end > from && blank(bytes[end - 1])) end--;
  return bytes.toString('latin1', from, end);
}

const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

const joined = (before: string | undefined, value: string): string => (before === undefined ? value : `${before}, ${value}`);
