/** Reads `/metrics` as Prometheus would: line by line, by the grammar of the exposition format, and no line may be left over. */
import { send } from '../support/http.ts';
import type { TestGateway } from '../support/gateway.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (nan|[+-]?Inf|[-+]?[\d.]+(?:e[-+]?\d+)?)(?: \d+)?$/i;
const LABEL = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/;

export async function scrape(gateway: TestGateway): Promise<Sample[]> {
  const { status, text } = await send(`${gateway.url}/metrics`, { method: 'GET', headers: { authorization: `Bearer ${gateway.operatorToken}` } });
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return parseMetrics(text);
}

export function parseMetrics(text: string): Sample[] {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, comment, family = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (comment === 'TYPE') {
      if (types.has(family)) throw new Error(`two families are called ${family}`);
      types.set(family, rest);
    }
    if (comment !== undefined) continue;
    const [, name = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === '') throw new Error(`no line of the format: ${line.slice(0, 200)}`);
    if (![name, name.replace(/_(?:bucket|sum|count)$/, '')].some((one) => types.has(one))) throw new Error(`${name} has no type`);
    samples.push({ name, labels: labelsOf(labelText), value: Number(value) });
  }
  return samples;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole, name = '', value = ''] = LABEL.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`no label: ${rest.slice(0, 100)}`);
    labels[name] = value.replaceAll(/\\(["\\n])/g, (_all, one: string) => (one === 'n' ? '\n' : one));
    rest = rest.slice(whole.length);
  }
  return labels;
}

export const valueOf = (samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
  samples.find((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value;
