/** Traces end to end: a client that sends a trace, the gateway, an upstream that keeps what it was told, a real receiver. */
import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { errorIn } from '../support/mcp.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool } from '../support/upstream.ts';
import { startCollector, type Collector, type ReceivedSpan } from './collector.ts';
import { scrape, valueOf } from './scrape.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${SPAN}-01`;
const SERVER = 2;
const CLIENT = 3;
const INTERNAL = 1;

/** The spans of a whole call: nothing is sent before it, and its own comes last. */
async function spansOf(collector: Collector, trace = TRACE): Promise<{ own: ReceivedSpan; sent: ReceivedSpan | undefined; ledger: ReceivedSpan[]; all: ReceivedSpan[] }> {
  const own = await until('the span of the call', () => collector.spans().find(({ kind, traceId }) => kind === SERVER && traceId === trace));
  const all = collector.spans().filter(({ traceId }) => traceId === trace);
  return { own, all, sent: all.find(({ kind }) => kind === CLIENT), ledger: all.filter(({ kind }) => kind === INTERNAL) };
}

const traced = (collector: Collector, more: object = {}): object => ({ telemetry: { traces: { endpoint: collector.endpoint, ...more } } });
const times = ({ startTimeUnixNano, endTimeUnixNano }: ReceivedSpan): [bigint, bigint] => [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)];
const traceIdOf = (header: unknown): string => String(header).slice(3, 35);

test.each(['legacy', 'modern'] as const)('a trace goes through: client, gateway, %s server, each the parent of the next [TELEMETRY-3]', async (era) => {
  const collector = await startCollector();
  const up = await startUpstream({ era });
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector) });
  await gateway.client().call('up__echo', { a: 1 }, { meta: { traceparent: SAMPLED, tracestate: 'vendor=abc,other=1' } });
  const { own, sent, ledger } = await spansOf(collector);
  expect(own).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, traceState: 'vendor=abc,other=1', name: 'tools/call up__echo', kind: SERVER });
  expect(own.attributes).toMatchObject({
    'mcp.method.name': 'tools/call', 'mcp.protocol.version': '2026-07-28', 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'up__echo',
    'signalbox.server': 'up', 'signalbox.tool': 'up/echo', 'signalbox.outcome': 'completed', 'signalbox.decision': 'allow',
  });
  expect(own.attributes).not.toHaveProperty(['error.type']);
  expect(sent).toMatchObject({ traceId: TRACE, parentSpanId: own.spanId, name: 'tools/call echo', attributes: { 'gen_ai.tool.name': 'echo' } });
  expect(ledger.map(({ parentSpanId, name }) => [parentSpanId, name])).toEqual([[own.spanId, 'ledger write']]);
  // What the upstream got, in the message and in the headers.
  const [received] = up.calls();
  const told = `00-${TRACE}-${sent?.spanId}-01`;
  expect(received?.params['_meta']).toMatchObject({ traceparent: told, tracestate: 'vendor=abc,other=1' });
  expect(received?.headers).toMatchObject({ traceparent: told, tracestate: 'vendor=abc,other=1' });
  // Children lie within their parent, and the record comes before the call.
  const [written] = ledger;
  const slackNs = 2_000_000n;
  for (const child of [sent, written] as ReceivedSpan[]) {
    expect(times(child)[0] >= times(own)[0] - slackNs && times(child)[1] <= times(own)[1] + slackNs && times(child)[0] <= times(child)[1]).toBe(true);
  }
  expect(times(written as ReceivedSpan)[1] <= times(sent as ReceivedSpan)[0] + slackNs).toBe(true);
  // The ledger names the trace.
  expect((await gateway.record('the intent', ({ kind }) => kind === 'intent'))['trace']).toBe(TRACE);
});

test('a trace in the headers counts where the message has none, and the message comes first [TELEMETRY-3]', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector) });
  const session = await gateway.client().session();
  await session.call('up__echo', {}, { headers: { traceparent: SAMPLED, tracestate: 'a=1' } });
  const { own } = await spansOf(collector);
  expect(own).toMatchObject({ parentSpanId: SPAN, traceState: 'a=1', attributes: { 'mcp.session.id': session.id, 'mcp.protocol.version': '2025-11-25' } });
  const other = TRACE.replace('0a', '1b');
  await session.call('up__echo', {}, { headers: { traceparent: SAMPLED, tracestate: 'a=1' }, meta: { traceparent: `00-${other}-${SPAN}-01` } });
  expect((await spansOf(collector, other)).own).not.toHaveProperty('traceState');
});

test('what is no trace context is none: a new trace begins, and nothing of it goes on [TELEMETRY-3]', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector) });
  const bad = [`ff-${TRACE}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`, `00-${TRACE}-${SPAN}-01-more`, `00-${TRACE.toUpperCase()}-${SPAN}-01`, 'x', ''];
  for (const traceparent of bad) await gateway.client().call('up__echo', {}, { meta: { traceparent, tracestate: 'a=1' } });
  await until('every call as a trace of its own', () => collector.spans().filter(({ kind }) => kind === SERVER).length === bad.length);
  const own = collector.spans().filter(({ kind }) => kind === SERVER);
  expect(new Set(own.map(({ traceId }) => traceId)).size).toBe(bad.length);
  expect(own.every(({ traceId, parentSpanId, traceState }) => traceId !== TRACE && parentSpanId === undefined && traceState === undefined)).toBe(true);
  for (const { params } of up.calls()) expect(params['_meta']).not.toHaveProperty('tracestate');
  // A tracestate that is none leaves the trace as it is.
  await gateway.client().call('up__echo', {}, { meta: { traceparent: SAMPLED, tracestate: 'no members at all' } });
  expect((await spansOf(collector)).own).not.toHaveProperty('traceState');
  // A later version is read as far as it is known (W3C Trace Context, section 3.2.4).
  const later = TRACE.replace('0a', '2c');
  await gateway.client().call('up__echo', {}, { meta: { traceparent: `01-${later}-${SPAN}-01-what.comes` } });
  expect((await spansOf(collector, later)).own.parentSpanId).toBe(SPAN);
});

test('a caller that does not want its trace sampled is obeyed, and its trace goes on as it came [TELEMETRY-4]', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector) });
  const unsampled = `00-${TRACE}-${SPAN}-00`;
  await gateway.client().call('up__echo', {}, { meta: { traceparent: unsampled, tracestate: 'a=1' } });
  await gateway.client().call('up__echo', {}, { meta: { traceparent: SAMPLED.replace('0af7', '1af7') } });
  await spansOf(collector, TRACE.replace('0af7', '1af7'));
  expect(collector.spans().filter(({ traceId }) => traceId === TRACE)).toEqual([]);
  expect(up.calls()[0]?.headers).toMatchObject({ traceparent: unsampled, tracestate: 'a=1' });
});

test('of calls without a trace the configured share is traced, and servers are told of each whether it is [TELEMETRY-4]', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector, { sample: 0.25 }) });
  const client = gateway.client();
  const calls = 400;
  for (let at = 0; at < calls; at += 20) await Promise.all(Array.from({ length: 20 }, () => client.call('up__echo')));
  const told = up.calls().map(({ headers }) => String(headers['traceparent']));
  const sampled = told.filter((text) => text.endsWith('-01'));
  expect(told.every((text) => /^00-[\da-f]{32}-[\da-f]{16}-0[01]$/.test(text))).toBe(true);
  // 100 expected, standard deviation 8.7: six of them to each side.
  expect(sampled.length).toBeGreaterThan(48);
  expect(sampled.length).toBeLessThan(152);
  await until('the spans of those', () => collector.spans().filter(({ kind }) => kind === SERVER).length === sampled.length);
  const exported = new Set(collector.spans().map(({ traceId }) => traceId));
  expect(exported).toEqual(new Set(sampled.map(traceIdOf)));
});

const CANARY = 'canary-7f3a9c51d2';
const TOKEN = 'otlp-token-5b1e77aa90';

test('spans hold no argument, no result, no message and no secret, and go with the configured headers to the configured path [TELEMETRY-5]', async () => {
  const collector = await startCollector();
  const secret = 'sk-hidden-9d8c7b6a5f';
  const up = await startUpstream({
    tools: [tool('echo'), tool('fail'), tool('broken'), tool(`say_${secret}`)],
    onCall: ({ name, answer }) => answer(name === 'fail' ? `{"content":[{"type":"text","text":"${CANARY}"}],"isError":true}` : name === 'broken' ? `"error":{"code":-31234,"message":"${CANARY}","data":"${CANARY}"}` : textResult(CANARY)),
  });
  const gateway = await startGateway(
    { servers: { up: { ...up.server, headers: { authorization: 'Bearer ${env:UP_TOKEN}' } } }, rules: [{ id: 'not-b', effect: 'deny', when: 'has(args.b)', reason: `${CANARY} is why` }, { id: 'rest', effect: 'allow' }], ...traced(collector, { headers: { 'x-token': '${env:OTLP_TOKEN}' } }) },
    { env: { OTLP_TOKEN: TOKEN, UP_TOKEN: secret } },
  );
  const client = gateway.client();
  const at = (digit: number): object => ({ meta: { traceparent: `00-${digit}${TRACE.slice(1)}-${SPAN}-01`, canary: CANARY } });
  await client.call('up__echo', { a: CANARY, [CANARY]: 1 }, at(1));
  await client.call('up__fail', { a: CANARY }, at(2));
  await client.call('up__broken', { a: CANARY }, at(3));
  const refused = errorIn(await client.call('up__echo', { b: CANARY }, at(4)));
  await client.call(`${CANARY}`, {}, at(5));
  await client.call(`up__say_${secret}`, {}, at(6));
  const own = async (digit: number): Promise<ReceivedSpan> => (await spansOf(collector, `${digit}${TRACE.slice(1)}`)).own;
  expect((await own(2)).attributes['error.type']).toBe('tool_error');
  expect((await own(3)).attributes).toMatchObject({ 'error.type': '-31234', 'rpc.response.status_code': '-31234' });
  expect(await own(4)).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'denied', 'signalbox.rule': 'not-b', 'signalbox.decision': 'deny', 'signalbox.call.id': refused['call'] } });
  expect(await own(5)).toMatchObject({ name: 'tools/call', attributes: { 'error.type': '-32602' } });
  await own(6);
  for (const { path, headers, body } of collector.requests) {
    expect([path, headers['content-type'], headers['x-token']]).toEqual(['/v1/traces', 'application/json', TOKEN]);
    for (const hidden of [CANARY, TOKEN, secret]) expect(body).not.toContain(hidden);
  }
  expect(gateway.log()).not.toContain(TOKEN);
});

test('a receiver that is down, slow or refuses costs no call anything; what it missed is counted, and it is taken up again [TELEMETRY-6]', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server }, ...traced(collector) });
  const client = gateway.client();
  const dropped = async (): Promise<number> => valueOf(await scrape(gateway), 'signalbox_trace_spans_total', { result: 'dropped' }) ?? 0;
  collector.answer = { status: 307, headers: { location: `${collector.endpoint}/elsewhere` } };
  await client.call('up__echo');
  await until('what was refused to be counted', async () => (await dropped()) === 3);
  expect(collector.requests.map(({ path }) => path)).toEqual(['/v1/traces']);
  expect(gateway.log()).toMatch(/"problem":"it answered with status 307".*traces cannot be exported/);
  // It hangs from here on: calls are made as ever, and more of them than the queue holds.
  collector.answer = undefined;
  const started = performance.now();
  for (let at = 0; at < 1000; at += 50) await Promise.all(Array.from({ length: 50 }, () => client.call('up__echo')));
  expect(up.calls()).toHaveLength(1001);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(await dropped()).toBeGreaterThan(3 + 3000 - 2048 - 512 - 1);
  // One request at a time, whatever waits.
  expect(collector.requests.length).toBeLessThanOrEqual(2);
});

test('off, nothing is made of a trace, and it goes through as it came [TELEMETRY-3]', async () => {
  const up = await startUpstream();
  const gateway: TestGateway = await startGateway({ servers: { up: up.server } });
  await gateway.client().call('up__echo', {}, { meta: { traceparent: SAMPLED, tracestate: 'a=1' } });
  await gateway.client().call('up__echo');
  const [first, second] = up.calls();
  expect(first?.params['_meta']).toMatchObject({ traceparent: SAMPLED, tracestate: 'a=1' });
  expect(first?.headers['traceparent']).toBe(SAMPLED);
  expect(second?.headers).not.toHaveProperty('traceparent');
});

test('a reload turns tracing on and off', async () => {
  const collector = await startCollector();
  const up = await startUpstream();
  const config = { servers: { up: up.server } };
  const gateway = await startGateway(config);
  gateway.reload({ ...config, ...traced(collector) });
  await gateway.client().call('up__echo', {}, { meta: { traceparent: SAMPLED } });
  gateway.reload(config);
  // What was there is sent when it is turned off.
  expect((await spansOf(collector)).own.parentSpanId).toBe(SPAN);
  const before = collector.spans().length;
  await gateway.client().call('up__echo', {}, { meta: { traceparent: SAMPLED } });
  await gateway.close();
  expect(collector.spans()).toHaveLength(before);
});
