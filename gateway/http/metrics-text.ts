/** The counters as text for Prometheus. What is known of the process comes from prom-client, loaded with the first scrape. */
import type { Registry } from 'prom-client';
import type { ConnectorStatus } from '../../core/connector.ts';
import type { HistogramReading } from '../../core/histogram.ts';
import type { Count, Counters, Durations, Reading } from '../metrics.ts';
import { statusReport, type StatusParts, type StatusReport } from '../status.ts';
import { createExposition, type Exposition } from './exposition.ts';

export type MetricsParts = StatusParts & {
  readonly counters: Counters;
  /** How long calls waited for a place, by server. */
  readonly queueTimes: () => Iterable<readonly [server: string, HistogramReading]>;
};

export interface MetricsText {
  readonly type: string;
  readonly text: string;
}

/** @returns what renders the counters as they stand at each call */
export function createMetricsText(parts: MetricsParts): () => Promise<MetricsText> {
  let loaded: Promise<Registry> | undefined;
  return async () => {
    const ofProcess = await (loaded ??= metricsOfProcess());
    const page = createExposition();
    const status = statusReport(parts);
    // Tools' names are upstreams' words: what is secret is no metric either.
    const { box } = parts.gate();
    renderCalls(page, parts.counters.read(), (name) => String(box.redact(name)));
    renderServers(page, status.servers, parts.queueTimes());
    renderLedger(page, status.ledger, parts.ledger.stats().commits);
    renderRest(page, status);
    return { type: ofProcess.contentType, text: `${page.text()}\n${await ofProcess.metrics()}` };
  };
}

async function metricsOfProcess(): Promise<Registry> {
  const prom = await import('prom-client');
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  return registry;
}

type Sample = readonly [Readonly<Record<string, string>>, number];

const one = (value: number): Sample[] => [[{}, value]];
const counted = (counts: readonly Count[]): Sample[] => counts.map(({ labels, count }) => [labels, count]);
const timed = (durations: readonly Durations[]): [Durations['labels'], HistogramReading][] => durations.map(({ labels, reading }) => [labels, reading]);
/** One sample for each state, so that alerts can name the one that they mean. */
const states = (server: string, all: readonly string[], current: string): Sample[] => all.map((state) => [{ server, state }, state === current ? 1 : 0]);

function renderCalls(page: Exposition, read: Reading, redacted: (name: string) => string): void {
  const toolCalls = read.toolCalls.map(({ labels, count }) => ({ labels: { ...labels, tool: redacted(labels['tool'] as string) }, count }));
  page.counter('signalbox_calls_total', 'Tool calls by server, way in and outcome', counted(read.calls));
  page.counter('signalbox_tool_calls_total', 'Tool calls by tool and how they ended; those beyond the bound are "(other)"', counted(toolCalls));
  page.counter('signalbox_caller_calls_total', 'Tool calls by caller and how they ended; only with telemetry.metrics.callers', counted(read.callerCalls));
  page.counter('signalbox_refusals_total', 'Calls that were refused, by code and by the rule that decided, where one did', counted(read.refusals));
  page.counter('signalbox_guard_findings_total', 'What guards found in results', counted(read.findings));
  page.histogram('signalbox_call_duration_seconds', 'From the arrival of a call to its outcome', timed(read.total));
  page.histogram('signalbox_upstream_duration_seconds', 'What of that its server took, queueing included', timed(read.upstream));
  page.histogram('signalbox_approval_wait_seconds', 'How long requests for approval waited, by how they ended', timed(read.waits));
}

function renderServers(page: Exposition, servers: readonly ConnectorStatus[], queueTimes: MetricsParts['queueTimes'] extends () => infer T ? T : never): void {
  const each = (value: (server: ConnectorStatus) => number): Sample[] => servers.map((server) => [{ server: server.id }, value(server)]);
  page.gauge('signalbox_connectors', 'Tool servers that are configured and not disabled', one(servers.length));
  page.gauge('signalbox_server_ready', 'Whether the tool server is connected', each(({ state }) => (state === 'ready' ? 1 : 0)));
  page.gauge('signalbox_server_state', 'State of the connection to the tool server', servers.flatMap(({ id, state }) => states(id, ['connecting', 'ready', 'failed', 'closed'], state)));
  page.gauge('signalbox_server_breaker', 'State of the circuit breaker', servers.flatMap(({ id, breaker }) => states(id, ['closed', 'open', 'half-open'], breaker)));
  page.gauge('signalbox_server_tools', 'Tools that the tool server lists', each(({ toolCount }) => toolCount));
  page.gauge('signalbox_server_in_flight', 'Calls under way on the tool server', each(({ inFlight }) => inFlight));
  page.gauge('signalbox_server_queued', 'Calls waiting for a place on the tool server', each(({ queued }) => queued));
  page.histogram('signalbox_queue_duration_seconds', 'How long calls waited for a place, of those that had to', [...queueTimes].map(([server, reading]) => [{ server }, reading]));
}

function renderLedger(page: Exposition, { ok, lagMs, written }: StatusReport['ledger'], commits: HistogramReading): void {
  page.gauge('signalbox_ledger_ok', 'Whether the ledger can be written', one(ok ? 1 : 0));
  page.counter('signalbox_ledger_records_total', 'Records made durable', one(written));
  page.gauge('signalbox_ledger_lag_seconds', 'Age of the oldest record that is not durable yet', one(lagMs / 1000));
  page.histogram('signalbox_ledger_commit_seconds', 'From sending a batch of records to the disk until it is durable', [[{}, commits]]);
}

function renderRest(page: Exposition, status: StatusReport): void {
  const { approvals, budgets, pins, register, reloads, traces, space } = status;
  page.gauge('signalbox_checkpoint_age_seconds', 'Time since the newest signed checkpoint', register.newest === undefined ? [] : one((Date.now() - register.newest.at) / 1000));
  page.gauge('signalbox_checkpoints_undelivered', 'Checkpoints that wait to be brought to a place', register.places.map(({ place, waiting }) => [{ place }, waiting]));
  page.gauge('signalbox_approvals_pending', 'Requests that wait for a person', one(approvals.waiting));
  page.gauge('signalbox_budget_used_ratio', 'Used share of the budget, of the count that has the most', budgets.map(({ id, limit, most }) => [{ budget: id }, (most[0]?.used ?? 0) / limit]));
  const held = new Map<string, [Record<string, string>, number]>();
  for (const { tool, cause } of pins.quarantined) {
    const server = tool.slice(0, tool.indexOf('/'));
    const sample = held.get(`${server} ${cause}`) ?? [{ server, cause }, 0];
    sample[1] += 1;
    held.set(`${server} ${cause}`, sample);
  }
  page.gauge('signalbox_tools_quarantined', 'Tools that are neither listed nor callable, by why', [...held.values()]);
  page.gauge('signalbox_lock_file_ok', 'Whether the lock file can be read', one(pins.problem === undefined ? 1 : 0));
  page.gauge('signalbox_sessions', 'Open MCP sessions', one(status.sessions));
  page.gauge('signalbox_subscriptions', 'Open subscription streams', one(status.subscriptions));
  page.counter('signalbox_config_reloads_total', 'Configurations that came while the gateway ran', [[{ result: 'taken' }, reloads.taken], [{ result: 'refused' }, reloads.refused]]);
  page.gauge('signalbox_config_ok', 'Whether the newest configuration is the one in force', one(reloads.problem === undefined ? 1 : 0));
  if (space !== undefined) page.gauge('signalbox_data_free_bytes', 'Room on the disk of the data directory', one(space.freeBytes));
  if (traces !== undefined) page.counter('signalbox_trace_spans_total', 'Spans by what became of them', [[{ result: 'exported' }, traces.exported], [{ result: 'dropped' }, traces.dropped]]);
}
