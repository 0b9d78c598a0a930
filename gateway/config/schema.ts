/**
 * The whole of `signalbox.yaml` as zod: shape, bounds, defaults, and the words an editor shows. The JSON Schema is
 * made from it. Checks across members are in `check-*.ts`.
 */
import { z } from 'zod';
import { approvalsSchema, argumentsSchema, budgetSchema, guardSchema, labelsSchema, limitSchema, pinsSchema, ruleSchema, scanSchema, TOOLS } from './schema-policy.ts';
import { checkpointsSchema } from './schema-register.ts';
import { retentionSchema } from './schema-retention.ts';
import { serversSchema, text, texts, whole } from './schema-servers.ts';
import { telemetrySchema } from './schema-telemetry.ts';

const listenSchema = z
  .strictObject({
    host: text('Address to listen on. Other than loopback only with callers configured.', '0.0.0.0').default('127.0.0.1'),
    port: whole(0, 65_535, 'TCP port; 0 takes a free one.', 8080).default(7420),
    allowedHosts: texts('Host header values accepted besides the loopback names and "host"; without a port, any port.', ['tools.example.com']).default([]),
    allowedOrigins: texts('Web origins accepted besides the gateway\'s own.', ['https://ide.example.com']).default([]),
    maxBodyBytes: whole(1024, 268_435_456, 'Largest request body, in bytes; a larger one is answered 413.', 1_048_576).default(4 * 1024 * 1024),
    maxDepth: whole(4, 512, 'Deepest nesting of arrays and objects in a request body, in levels.', 32).default(64),
  })
  .meta({ description: 'Where the gateway listens, and what it accepts there.', examples: [{ host: '127.0.0.1', port: 7420 }] });

const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

const overrideSchema = z
  .strictObject({
    name: z.string().regex(TOOL_NAME, 'expected a name of 1 to 64 letters, digits, "_" and "-", since every model provider takes those').optional()
      .meta({ description: 'Public name: 1 to 64 letters, digits, "_" and "-".', examples: ['read'] }),
    title: text('Title that clients show.', 'Read a file').optional(),
    description: text('Description that models read, in place of the server\'s own.', 'Reads one file of the project.').optional(),
  })
  .meta({ description: 'What this profile says of one tool instead of its server.', examples: [{ name: 'read', description: 'Reads a file.' }] });

const profileSchema = z
  .strictObject({
    include: texts(`${TOOLS} The tools of this profile.`, ['files/*']).default(['*']),
    exclude: texts(`${TOOLS} Left out of what "include" takes in.`, ['files/move_*']).default([]),
    names: z.enum(['prefixed', 'plain']).default('prefixed').meta({ description: 'prefixed: server__tool. plain: the tool\'s own name where it is unique within the profile.', examples: ['plain'] }),
    tools: z.record(z.string(), overrideSchema).default({}).meta({ description: 'Changes by exact "server/tool".', examples: [{ 'files/read_file': { name: 'read' } }] }),
  })
  .meta({ description: 'A view of the tools, served at /mcp/ID.', examples: [{ include: ['files/*'], exclude: ['files/move_*'] }] });

const callerSchema = z
  .strictObject({
    id: text('Name of the caller, in rules, limits and records.', 'alice'),
    key: text('A reference to the caller\'s key, or the hash that "signalbox keys create" printed. Absent: the key is kept in the data directory.', '${env:ALICE_KEY}').optional(),
    tenant: text('What the caller belongs to: state of different tenants is kept apart.', 'acme').default('default'),
    roles: texts('Roles that rules and limits may name.', ['developer']).default([]),
    profiles: texts('Profiles that the caller may open. Absent: every one.', ['coding']).optional(),
  })
  .meta({ description: 'Who may call, by key.', examples: [{ id: 'alice', key: '${env:ALICE_KEY}', roles: ['developer'] }] });

const auditSchema = z
  .strictObject({
    payloads: z.enum(['none', 'digest', 'redacted', 'full']).default('redacted').meta({ description: 'What of a call is recorded. none; digest: a keyed hash and the size of the arguments; redacted: these and the arguments with secrets taken out; full: these and the exact arguments and results, encrypted under a key for each tenant.', examples: ['digest'] }),
    retention: retentionSchema.optional(),
    durability: z.enum(['intent', 'strict']).default('intent').meta({ description: 'intent: a call is recorded durably before it is sent. strict: an answer also waits until its outcome is.', examples: ['strict'] }),
    redact: texts('Argument names (patterns, in any case) whose values are taken out besides the built-in ones.', ['*_ssn']).default([]),
    checkpoints: checkpointsSchema.prefault({}),
  })
  .meta({ description: 'The ledger of calls.', examples: [{ payloads: 'redacted', durability: 'intent' }] });

const logSchema = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'Least important lines that are still written.', examples: ['debug'] }),
    format: z.enum(['text', 'json']).default('text').meta({ description: 'text for people, json (one object a line) for collectors.', examples: ['json'] }),
  })
  .meta({ description: 'The gateway\'s own log, on stderr.', examples: [{ level: 'info', format: 'text' }] });

export const configSchema = z
  .strictObject({
    $schema: text('Address of this schema, for editors; not read.', './schema/signalbox.schema.json').optional(),
    listen: listenSchema.prefault({}),
    data: text('Data directory (ledger, keys, counters); relative to this file. One gateway at a time.', '/var/lib/signalbox').default('./.signalbox'),
    servers: serversSchema.default({}),
    profiles: z.record(z.string(), profileSchema).default({}).meta({ description: 'Views of the tools by id, each served at /mcp/ID.', examples: [{ coding: { include: ['files/*'] } }] }),
    callers: z.array(callerSchema).default([]).meta({ description: 'Who may call. None: anyone on this machine, and only loopback may be listened on.', examples: [[{ id: 'alice', key: '${env:ALICE_KEY}' }]] }),
    rules: z.array(ruleSchema).default([]).meta({ description: 'What may be called. None: everything.', examples: [[{ id: 'read-only', effect: 'allow', tools: ['files/read_*'] }]] }),
    limits: z.array(limitSchema).default([]).meta({ description: 'Rates and concurrency.', examples: [[{ id: 'per-caller', per: ['caller'], rate: '600/min' }]] }),
    budgets: z.array(budgetSchema).default([]).meta({ description: 'How much in a calendar period, across restarts.', examples: [[{ id: 'day', per: ['caller'], unit: 'calls', limit: 1000, period: 'day' }]] }),
    approvals: approvalsSchema.prefault({}),
    pins: pinsSchema.prefault({}),
    scan: scanSchema.prefault({}),
    arguments: argumentsSchema.prefault({}),
    guards: z.array(guardSchema).default([]).meta({ description: 'What is taken out of results. None: they pass as they are.', examples: [[{ id: 'no-secrets', secrets: 'redact', injection: 'mark' }]] }),
    labels: labelsSchema.default({}),
    audit: auditSchema.prefault({}),
    log: logSchema.prefault({}),
    telemetry: telemetrySchema.prefault({}),
  })
  .meta({ title: 'Signalbox configuration', description: 'signalbox.yaml: one gateway in front of tool servers.' });

export type ConfigInput = z.output<typeof configSchema>;

/** Top-level keys that only a Signalbox configuration has; an IDE's file has none of them. */
export const OWN_KEYS: readonly string[] = ['listen', 'data', 'profiles', 'callers', 'rules', 'limits', 'budgets', 'approvals', 'pins', 'scan', 'arguments', 'guards', 'labels', 'audit', 'log', 'telemetry'];
