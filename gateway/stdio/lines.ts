/**
 * Bytes from stdin to lines, bounded in what is kept of one. It does not look at what a line says, but for the id of a
 * request that is too long to be read.
 */
import type { RequestId } from '../mcp/protocol.ts';

export interface LineEvents {
  /** Without its line break; never empty. */
  line(bytes: Buffer): void;
  /** A line longer than the bound; `id` is that of the request in it, where the two ends tell. */
  tooLong(id: RequestId | undefined): void;
}

export interface LineReader {
  push(chunk: Buffer): void;
  /** Hands over a last line that has no line break. */
  end(): void;
}

const LINE_FEED = 0x0a;
/** Kept of each end of a line that is too long. */
const END_BYTES = 1024;

export function createLineReader(maxBytes: number, events: LineEvents): LineReader {
  let parts: Buffer[] = [];
  let size = 0;
  let ends: { head: Buffer; tail: Buffer } | undefined;

  function keep(part: Buffer): void {
    size += part.length;
    if (ends !== undefined) {
      ends.tail = Buffer.from(Buffer.concat([ends.tail, part.subarray(-END_BYTES)]).subarray(-END_BYTES));
      return;
    }
    parts.push(part);
    if (size <= maxBytes) return;
    const whole = Buffer.concat(parts);
    // Copies, so that two kilobytes do not hold on to megabytes.
    ends = { head: Buffer.from(whole.subarray(0, END_BYTES)), tail: Buffer.from(whole.subarray(-END_BYTES)) };
    parts = [];
  }

  function finish(): void {
    const [first] = parts;
    const line = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    const cut = ends;
    parts = [];
    size = 0;
    ends = undefined;
    if (cut !== undefined) events.tooLong(idAtTheEnds(cut.head.toString('latin1'), cut.tail.toString('latin1')));
    else if (!isBlank(line)) events.line(line);
  }

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
        keep(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    end: finish,
  };
}

const isBlank = (line: Buffer): boolean => line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);

const ID = String.raw`(-?\d{1,15}|"[\x20\x21\x23-\x5b\x5d-\x7e]{0,200}")`;
const FIRST = new RegExp(String.raw`^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*${ID}\s*,`);
/** As the last characters of a JSON text it can only be a member of the outermost object. */
const LAST = new RegExp(String.raw`"id"\s*:\s*${ID}\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$`);

function idAtTheEnds(head: string, tail: string): RequestId | undefined {
  const text = FIRST.exec(head)?.[1] ?? LAST.exec(tail)?.[1];
  return text === undefined ? undefined : (JSON.parse(text) as RequestId);
}
