/** The part of `signalbox.yaml` that says what others may see of the gateway: metrics and traces. */
import { z } from 'zod';
import { text } from './schema-servers.ts';

const metricsSchema = z
  .strictObject({
    callers: z.boolean().default(false).meta({ description: 'Also counts calls by caller. Off, no metric names a caller.', examples: [true] }),
  })
  .meta({ description: 'What /metrics shows.', examples: [{ callers: true }] });

const tracesSchema = z
  .strictObject({
    endpoint: text('Address that takes OTLP over HTTP; spans go to "/v1/traces" there. May hold ${env:NAME} and ${file:PATH}.', 'http://127.0.0.1:4318'),
    headers: z.record(z.string(), z.string()).default({}).meta({ description: 'HTTP headers sent with each export. Values may hold ${env:NAME} and ${file:PATH}.', examples: [{ authorization: 'Bearer ${env:OTLP_TOKEN}' }] }),
    sample: z.number().min(0).max(1).default(1).meta({ description: 'Share of the calls that are traced, 0 to 1. A call that comes with a trace is traced as that trace says.', examples: [0.1] }),
  })
  .meta({ description: 'Exports spans (OpenTelemetry). Absent: none are made.', examples: [{ endpoint: 'http://127.0.0.1:4318', sample: 0.1 }] });

export const telemetrySchema = z
  .strictObject({ metrics: metricsSchema.prefault({}), traces: tracesSchema.optional() })
  .meta({ description: 'What the gateway shows of itself.', examples: [{ traces: { endpoint: 'http://127.0.0.1:4318', sample: 0.1 } }] });
