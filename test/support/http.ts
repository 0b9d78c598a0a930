/** Plain HTTP for tests: every header and byte is the test's own. It knows SSE and JSON-RPC answers, and nothing of MCP. */
import { Agent, request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { until } from './poll.ts';

export interface Message {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into, and expected to be anything
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> };
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

/** An answer that may still be coming in. */
export interface Stream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly messages: Message[];
  /** What has come so far, as it came. */
  text(): string;
  readonly ended: Promise<void>;
  isOver(): boolean;
  /** Waits for a message. */
  next(holds: (message: Message) => boolean, what?: string): Promise<Message>;
  /** Goes away, as a client does that was closed. */
  leave(): void;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** All messages of the answer, in order; the answer itself is the last. */
  readonly messages: readonly Message[];
  readonly message: Message;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export function openStream(url: string, { method = 'POST', headers = {}, body }: Sent = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const req: ClientRequest = request(url, { method, agent, headers: { ...length, ...headers } }, (res) => resolve(follow(req, res)));
    req.once('error', reject);
    req.end(body);
  });
}

function follow(req: ClientRequest, res: IncomingMessage): Stream {
  const messages: Message[] = [];
  const chunks: string[] = [];
  let over = false;
  const isEvents = res.headers['content-type']?.startsWith('text/event-stream') === true;
  const parser = createParser({ onEvent: ({ data }) => void messages.push(JSON.parse(data) as Message) });
  res.setEncoding('utf8').on('data', (chunk: string) => {
    chunks.push(chunk);
    if (isEvents) parser.feed(chunk);
  });
  req.on('error', () => {});
  res.on('error', () => {});
  const ended = new Promise<void>((resolve) => res.once('close', resolve)).then(() => {
    over = true;
    if (!isEvents && res.headers['content-type']?.startsWith('application/json') === true) {
      const value = JSON.parse(chunks.join('')) as Message | Message[];
      messages.push(...(Array.isArray(value) ? value : [value]));
    }
  });
  ended.catch(() => {});
  return {
    status: res.statusCode as number,
    headers: res.headers,
    messages,
    text: () => chunks.join(''),
    ended,
    isOver: () => over,
    next: (holds, what = 'a message') => until(what, () => messages.find(holds)),
    leave: () => void req.destroy(),
  };
}

export async function send(url: string, sent: Sent = {}): Promise<Reply> {
  const stream = await openStream(url, sent);
  await stream.ended;
  const { status, headers, messages } = stream;
  return { status, headers, text: stream.text(), messages, message: messages.at(-1) ?? {} };
}
