/** Metrics as text, in the Prometheus exposition format 0.0.4. It counts nothing. */
import type { HistogramReading } from '../../core/histogram.ts';
import { printable } from '../../core/text.ts';

type Labels = Readonly<Record<string, string>>;

export interface Exposition {
  counter(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void;
  gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void;
  /** In seconds, as the format's conventions want it. */
  histogram(name: string, help: string, samples: readonly (readonly [Labels, HistogramReading])[]): void;
  text(): string;
}

export function createExposition(): Exposition {
  const lines: string[] = [];

  function family(name: string, type: string, help: string, samples: readonly (readonly [Labels, number])[]): void {
    if (samples.length === 0) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`${name}${labelText(labels)} ${value}`);
  }

  return {
    counter: (name, help, samples) => family(name, 'counter', help, samples),
    gauge: (name, help, samples) => family(name, 'gauge', help, samples),
    histogram(name, help, samples) {
      if (samples.length === 0) return;
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
      for (const [labels, { boundsMs, counts, sumMs }] of samples) {
        let count = 0;
        for (let at = 0; at <= boundsMs.length; at++) {
          count += counts[at] as number;
          const bound = boundsMs[at];
          lines.push(`${name}_bucket${labelText({ ...labels, le: bound === undefined ? '+Inf' : String(bound / 1000) })} ${count}`);
        }
        lines.push(`${name}_sum${labelText(labels)} ${sumMs / 1000}`, `${name}_count${labelText(labels)} ${count}`);
      }
    },
    text: () => `${lines.join('\n')}\n`,
  };
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Line feeds too are written as `\uXXXX` by now, so that a value cannot begin a line of its own. */
const escaped = (value: string): string => printable(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
