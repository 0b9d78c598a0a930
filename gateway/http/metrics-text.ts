/** Counters in the Prometheus text format. prom-client is loaded with the first scrape. */
import type { Registry } from 'prom-client';
import { statusReport, type StatusParts } from '../status.ts';
import type { Counters } from '../metrics.ts';

type MetricsParts = StatusParts & { readonly counters: Counters };

export interface MetricsText {
  readonly type: string;
  readonly text: string;
}

/** @returns what renders the counters as they stand at each call */
export function createMetricsText(parts: MetricsParts): () => Promise<MetricsText> {
  let loaded: Promise<{ prom: typeof import('prom-client'); ofProcess: Registry }> | undefined;
  const load = async () => {
    const prom = await import('prom-client');
    const ofProcess = new prom.Registry();
    prom.collectDefaultMetrics({ register: ofProcess });
    return { prom, ofProcess };
  };
  return async () => {
    const { prom, ofProcess } = await (loaded ??= load());
    return { type: ofProcess.contentType, text: `${await render(prom, parts)}\n${await ofProcess.metrics()}` };
  };
}

async function render({ Counter, Gauge, Registry }: typeof import('prom-client'), parts: MetricsParts): Promise<string> {
  const registry = new Registry();
  const calls = new Counter({ name: 'signalbox_calls_total', help: 'Tool calls by how they ended', labelNames: ['tool', 'outcome'], registers: [registry] });
  const seconds = new Counter({ name: 'signalbox_call_seconds_total', help: 'Time spent on tool calls', labelNames: ['tool', 'outcome'], registers: [registry] });
  for (const { tool, outcome, count, seconds: spent } of parts.counters.calls()) {
    calls.inc({ tool, outcome }, count);
    seconds.inc({ tool, outcome }, spent);
  }
  const findings = new Counter({ name: 'signalbox_guard_findings_total', help: 'What guards found in results', labelNames: ['guard', 'found'], registers: [registry] });
  for (const { guard, found, count } of parts.counters.findings()) findings.inc({ guard, found }, count);
  const status = statusReport(parts);
  const gauge = (name: string, help: string, labelNames: string[] = []) => new Gauge({ name, help, labelNames, registers: [registry] });
  const up = gauge('signalbox_server_ready', 'Whether the tool server is connected', ['server']);
  const quarantined = gauge('signalbox_tools_quarantined', 'Tools that are neither listed nor callable, by why', ['server', 'cause']);
  for (const { tool, cause } of status.pins.quarantined) quarantined.inc({ server: tool.slice(0, tool.indexOf('/')), cause });
  gauge('signalbox_lock_file_ok', 'Whether the lock file can be read').set(status.pins.problem === undefined ? 1 : 0);
  const inFlight = gauge('signalbox_server_in_flight', 'Calls under way on the tool server', ['server']);
  const queued = gauge('signalbox_server_queued', 'Calls waiting for a place on the tool server', ['server']);
  for (const server of status.servers) {
    up.set({ server: server.id }, server.state === 'ready' ? 1 : 0);
    inFlight.set({ server: server.id }, server.inFlight);
    queued.set({ server: server.id }, server.queued);
  }
  gauge('signalbox_ledger_ok', 'Whether the ledger can be written').set(status.ledger.ok ? 1 : 0);
  gauge('signalbox_sessions', 'Open MCP sessions').set(status.sessions);
  gauge('signalbox_subscriptions', 'Open subscription streams').set(status.subscriptions);
  return registry.metrics();
}
