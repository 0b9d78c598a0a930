/**
 * MCP over HTTP+SSE (2024-11-05, deprecated but alive): answers come on one GET stream, requests go by POST to the
 * address that the stream's first event names. The stream is the session: when it ends, the link is down.
 */
import type { HttpLinkOptions } from '../http/link.ts';
import { brokenByStatus } from '../http/answer.ts';
import { createPool } from '../http/pool.ts';
import { send } from '../http/send.ts';
import { createEventStream } from '../http/stream.ts';
import { lost, notSent, type Link } from '../link.ts';
import { createMux } from '../wire/mux.ts';

/** `ready` resolves once the endpoint is known, and rejects in words where the server offers no such stream. */
export function openSseLink(options: HttpLinkOptions): { link: Link; ready: Promise<void> } {
  const { url, events } = options;
  const pool = createPool({ ...options, origin: url.origin });
  const headers = [...options.headers, 'content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
  const mux = createMux(events, post);
  let endpoint: string | undefined;
  let closed = false;
  let problem: string | undefined;
  const { promise: ready, resolve: opened, reject: failed } = Promise.withResolvers<void>();

  const stream = createEventStream({
    pool,
    path: url.pathname + url.search,
    headers: () => options.headers,
    maxEventBytes: options.maxResponseBytes,
    firstPauseMs: 1_000,
    event(message) {
      if (message.event === 'endpoint') return name(message.data);
      if (message.data !== '') mux.receive(message.data, Buffer.byteLength(message.data));
    },
    ended(status, why) {
      end(status !== undefined && status !== 200 ? brokenByStatus(status, undefined).message : why);
      return false;
    },
  });

  function name(data: string): void {
    if (endpoint !== undefined) return;
    endpoint = endpointPath(data, url);
    if (endpoint === undefined) end('it names an endpoint of another origin, which is not used');
    else opened();
  }

  function end(why: string): void {
    failed(new Error(why));
    if (closed) return;
    closed = true;
    problem = why;
    stream.close();
    mux.failAll(why);
    if (endpoint !== undefined) events.down(why);
    void pool.destroy();
  }

  function post(text: string, done: () => void = () => {}): void {
    if (closed || endpoint === undefined) done();
    else send({ pool, method: 'POST', path: endpoint, headers, body: text, done });
  }

  function refused(id: number, status: number): void {
    if (status === 0) mux.settle(id, lost('the request could not be delivered'));
    else if (status < 200 || status >= 300) mux.settle(id, brokenByStatus(status, undefined));
  }

  const late = setTimeout(() => end('it opened no event stream in time'), options.connectTimeoutMs);
  stream.start();

  const link: Link = {
    transport: 'sse',
    pid: undefined,
    get ended() {
      return problem;
    },
    send(outgoing) {
      if (closed || endpoint === undefined) return outgoing.settle(notSent('its connection is closed'));
      mux.add(outgoing);
      send({ pool, method: 'POST', path: endpoint, headers, body: outgoing.text, done: (status) => refused(outgoing.id, status) });
    },
    abandon: (outgoing) => void mux.remove(outgoing.id),
    post,
    agree() {},
    forgetSession() {},
    async close() {
      failed(new Error('it was closed'));
      closed = true;
      stream.close();
      mux.failAll('it was closed');
      await pool.destroy();
    },
  };
  return { link, ready: ready.finally(() => clearTimeout(late)) };
}

/** Of the same origin only: else a server could have our headers sent to a host of its choice. */
function endpointPath(data: string, url: URL): string | undefined {
  const target = URL.canParse(data, url.href) ? new URL(data, url.href) : undefined;
  return target?.origin === url.origin ? target.pathname + target.search : undefined;
}
