/** A receiver of OTLP over HTTP in the test's own process: keeps what it is sent, and answers as it is told to. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface Collector {
  readonly endpoint: string;
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  spans(): ReceivedSpan[];
  /** How it answers from now on; `undefined` lets requests hang. */
  answer: { status: number; body?: string; headers?: Record<string, string> } | undefined;
}

interface WireSpan extends Omit<ReceivedSpan, 'attributes'> {
  readonly attributes: { readonly key: string; readonly value: Record<string, string | number | boolean> }[];
}

export async function startCollector(): Promise<Collector> {
  const collector: Collector = {
    endpoint: '',
    requests: [],
    answer: { status: 200, body: '{"partialSuccess":{}}' },
    spans: () =>
      collector.requests.flatMap(({ body }) => {
        const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: WireSpan[] }[] }[] };
        return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).map((span) => ({ ...span, attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0] as string])) }));
      }),
  };
  const server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      collector.requests.push({ path: req.url ?? '', headers: req.headers, body });
      const { answer } = collector;
      if (answer !== undefined) res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(collector, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
