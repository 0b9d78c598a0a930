/** Metrics as Prometheus reads them, from a real gateway under peers that mean harm. */
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/poll.ts';
import { startUpstream, textResult, tool } from '../support/upstream.ts';
import { parseMetrics, scrape, valueOf, type Sample } from './scrape.ts';
import { createExposition } from '../../gateway/http/exposition.ts';

const seriesOf = (samples: readonly Sample[], name: string): Sample[] => samples.filter((sample) => sample.name === name);
const namesIn = (samples: readonly Sample[]): string[] => samples.filter(({ labels }) => Object.values(labels).some((value) => value.includes('-anders') || value.includes('-berg'))).map(({ name }) => name);
/** Alone: that prom-client, too, counts nothing by name is its business. */
const ours = (samples: readonly Sample[]): Sample[] => samples.filter(({ name }) => name.startsWith('signalbox_'));

test('10,000 names of tools are a bounded number of series, each a valid line [TELEMETRY-1]', async () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `t${at}_${'x'.repeat(at % 40)}`);
  const hostile = ['quote"d', 'new\nline', 'back\\slash', 'a\u202eb', 'x'.repeat(500), '__proto__', 'naïve', '{}', 'le="1"'];
  const up = await startUpstream({ tools: [...hostile, ...names].slice(0, 10_000).map((name) => tool(name)) });
  const gateway = await startGateway({ servers: { up: up.server, other: (await startUpstream()).server }, scan: { mode: 'off' } });
  const client = gateway.client();
  const listed: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const { tools, nextCursor } = (await client.modern('tools/list', cursor === undefined ? {} : { cursor })).message.result as { tools: { name: string }[]; nextCursor?: string };
    listed.push(...tools.map(({ name }) => name));
    cursor = nextCursor;
    if (cursor === undefined) break;
  }
  const fromUp = listed.filter((name) => name.startsWith('up__'));
  expect(fromUp.length).toBeGreaterThan(9000);
  for (let at = 0; at < fromUp.length; at += 100) await Promise.all(fromUp.slice(at, at + 100).map((name) => client.call(name)));
  // Names that callers make up are of no server at all.
  await Promise.all(Array.from({ length: 200 }, (_, at) => client.call(`made_up_${at}`)));
  await client.call('other__echo');
  const samples = ours(await scrape(gateway));
  expect(samples.length).toBeLessThan(600);
  const tools = seriesOf(samples, 'signalbox_tool_calls_total');
  expect(new Set(tools.map(({ labels }) => labels['tool'])).size).toBeLessThanOrEqual(202);
  expect(tools.every(({ labels: { tool: name = '' } }) => name.length <= 128)).toBe(true);
  expect(valueOf(tools, 'signalbox_tool_calls_total', { server: 'up', tool: '(other)' })).toBe(fromUp.length - 200);
  // One server's names do not use up another's.
  expect(valueOf(tools, 'signalbox_tool_calls_total', { server: 'other', tool: 'echo' })).toBe(1);
  expect(valueOf(samples, 'signalbox_calls_total', { server: 'up', face: 'mcp', outcome: 'completed' })).toBe(fromUp.length);
  expect(valueOf(samples, 'signalbox_calls_total', { server: '(none)', outcome: 'unknown_tool' })).toBe(200);
  expect(valueOf(samples, 'signalbox_call_duration_seconds_count', { server: 'up' })).toBe(fromUp.length);
  expect(new Set(samples.flatMap(({ labels }) => (labels['server'] === undefined ? [] : [labels['server']])))).toEqual(new Set(['up', 'other', '(none)']));
});

test('values of labels that are no plain text stay values: no line, no label is begun by them [TELEMETRY-1]', () => {
  const page = createExposition();
  const values = ['"', '\\', '\n', 'a"} 1\nevil_total 7', '\\n', '\u0000\u202e', '', '{a="b"}'];
  page.counter('signalbox_x_total', 'x', values.map((value, at) => [{ value, at: String(at) }, at]));
  const samples = parseMetrics(page.text());
  expect(samples.map(({ name, value }) => [name, value])).toEqual(values.map((_, at) => ['signalbox_x_total', at]));
  expect(samples[3]?.labels['value']).toBe('a"} 1\\u000aevil_total 7');
  expect(samples[4]?.labels['value']).toBe('\\n');
});

test('histograms are cumulated, end in +Inf and agree with their counts [TELEMETRY-1]', async () => {
  const up = await startUpstream();
  const gateway = await startGateway({ servers: { up: up.server } });
  for (let at = 0; at < 5; at++) await gateway.client().call('up__echo');
  const samples = await until('the ends of all to be durable', async () => {
    const read = await scrape(gateway);
    return (valueOf(read, 'signalbox_ledger_records_total') ?? 0) >= 11 && valueOf(read, 'signalbox_ledger_lag_seconds') === 0 ? read : undefined;
  });
  for (const name of ['signalbox_call_duration_seconds', 'signalbox_upstream_duration_seconds', 'signalbox_ledger_commit_seconds']) {
    const buckets = seriesOf(samples, `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    expect(buckets.at(-1)?.labels['le']).toBe('+Inf');
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(valueOf(samples, `${name}_count`));
    expect(valueOf(samples, `${name}_sum`)).toBeGreaterThan(0);
  }
  expect(valueOf(samples, 'signalbox_call_duration_seconds_count', { server: 'up' })).toBe(5);
  expect(valueOf(samples, 'process_cpu_seconds_total')).toBeGreaterThan(0);
});

test('refusals are told by rule and code, waits by verdict and time, queues by length and time [TELEMETRY-1]', async () => {
  const held: (() => void)[] = [];
  const up = await startUpstream({ tools: [tool('echo'), tool('slow')], onCall: ({ name, answer }) => (name === 'slow' ? void held.push(() => answer(textResult('late'))) : answer(textResult('soon'))) });
  const gateway = await startGateway({
    servers: { up: { ...up.server, concurrency: 1 } },
    approvals: { wait: '0s' },
    rules: [{ id: 'never', effect: 'deny', when: 'has(args.never)' }, { id: 'boss', effect: 'ask', approvers: ['lead'], when: 'has(args.ask)' }, { id: 'rest', effect: 'allow' }],
    budgets: [{ id: 'few', unit: 'calls', limit: 8, period: 'day' }],
  });
  const client = gateway.client();
  await client.call('up__echo', { never: 1 });
  await client.call('up__echo', { ask: 1 });
  const [request] = gateway.hall.desk.approvals.list({ limit: 1 }, Date.now());
  expect(valueOf(await scrape(gateway), 'signalbox_approvals_pending')).toBe(1);
  await gateway.hall.desk.decide(String(request?.id), { type: 'deny' }, { principal: { id: 'lead', tenant: 'default', roles: ['lead'], proof: 'key' }, isSelf: false });
  const slow = [client.call('up__slow'), client.call('up__slow')];
  await until('one at work and one in the queue', async () => valueOf(await scrape(gateway), 'signalbox_server_queued', { server: 'up' }) === 1 && held.length === 1);
  held[0]?.();
  await until('the other at work', () => held.length === 2);
  held[1]?.();
  await Promise.all(slow);
  const samples = await scrape(gateway);
  expect(seriesOf(samples, 'signalbox_refusals_total').map(({ labels, value }) => [labels, value])).toContainEqual([{ rule: 'never', code: 'denied' }, 1]);
  expect(valueOf(samples, 'signalbox_approvals_pending')).toBe(0);
  expect(valueOf(samples, 'signalbox_approval_wait_seconds_count', { verdict: 'denied' })).toBe(1);
  expect(valueOf(samples, 'signalbox_queue_duration_seconds_count', { server: 'up' })).toBe(1);
  expect(valueOf(samples, 'signalbox_budget_used_ratio', { budget: 'few' })).toBe(0.25);
  expect(seriesOf(samples, 'signalbox_server_breaker').map(({ labels, value }) => [labels['state'], value])).toEqual([['closed', 1], ['open', 0], ['half-open', 0]]);
});

test('no metric names a caller unless that was asked for [TELEMETRY-2]', async () => {
  const up = await startUpstream();
  const callers = ['alice-anders', 'bob-berg'].map((id) => ({ id, key: `sbx_key-of-${id}` }));
  const config = { servers: { up: up.server }, callers, rules: [{ id: 'hers', effect: 'allow', callers: ['alice-anders'] }], budgets: [{ id: 'each', per: ['caller'], unit: 'calls', limit: 10, period: 'day' }] };
  const gateway = await startGateway(config);
  const callBoth = async (): Promise<void> => {
    for (const { key } of callers) await gateway.client({ key }).call('up__echo');
  };
  await callBoth();
  expect(namesIn(await scrape(gateway))).toEqual([]);
  gateway.reload({ ...config, telemetry: { metrics: { callers: true } } });
  await callBoth();
  const samples = await scrape(gateway);
  expect(new Set(namesIn(samples))).toEqual(new Set(['signalbox_caller_calls_total']));
  expect(seriesOf(samples, 'signalbox_caller_calls_total').map(({ labels, value }) => [labels, value])).toEqual([[{ caller: 'alice-anders', end: 'completed' }, 1], [{ caller: 'bob-berg', end: 'refused' }, 1]]);
});
