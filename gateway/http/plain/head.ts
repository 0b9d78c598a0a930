/**
 * The head of a plain request: `POST /mcp` or `/mcp/PROFILE` over HTTP/1.1, each field once, the length known, nothing that
 * changes how the message is read. Anything else is not judged here: `node:http` reads it.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface PlainHead {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body. */
  readonly length: number;
}

/** RFC 9112, sections 3 and 5: no obsolete folding, no bare CR or LF, no byte outside printable ASCII and tab. */
const PLAIN = /^POST (\/mcp(?:\/[\w-]+)?) HTTP\/1\.1\r\n(?:[!#$%&'*+.^`|~\w-]+:[\t -~]*\r\n)+$/;
const LENGTH = /^(?:0|[1-9]\d{0,7})$/;
/** Fields that change how a message is read, or what is to become of the connection. */
const NOT_PLAIN = ['transfer-encoding', 'expect', 'upgrade', 'trailer', 'connection', 'te', 'content-encoding'];

/** @param text the request line and the fields as ISO-8859-1, without the empty line */
export function readPlainHead(text: string): PlainHead | undefined {
  const url = PLAIN.exec(text)?.[1];
  if (url === undefined) return undefined;
  // No prototype: the peer chooses the names.
  const headers = Object.create(null) as Record<string, string>;
  let start = text.indexOf('\r\n') + 2;
  while (start < text.length) {
    const end = text.indexOf('\r\n', start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon).toLowerCase();
    if (name in headers) return undefined;
    headers[name] = text.slice(colon + 1, end).trim();
    start = end + 2;
  }
  if (headers['connection']?.toLowerCase() === 'keep-alive') delete headers['connection'];
  const length = headers['content-length'];
  if (length === undefined || !LENGTH.test(length) || headers['host'] === undefined) return undefined;
  if (NOT_PLAIN.some((name) => name in headers)) return undefined;
  return { url, headers, length: Number(length) };
}
