/** The parts of `signalbox.yaml` that say what may happen: rules, limits, budgets, approvals, pins, guards. */
import { z } from 'zod';
import { DURATION, RATE } from './rate.ts';
import { text, texts, whole } from './schema-servers.ts';

export const TOOLS = 'Patterns over "server/tool"; "*" stands for any run of characters.';

const duration = (description: string, example: string) =>
  z.string().regex(DURATION, 'expected a whole number and a unit such as "10min": ms, s, min, h or d').meta({ description, examples: [example] });

const mode = (description: string, fallback: 'off' | 'warn' | 'enforce') =>
  z.enum(['off', 'warn', 'enforce']).default(fallback).meta({ description, examples: ['enforce'] });

const who = {
  tools: texts(`${TOOLS} Absent: every tool.`, ['files/read_*']).optional(),
  callers: texts('Ids of callers. Absent: every caller.', ['alice']).optional(),
  roles: texts('Any of these roles. Absent: every caller.', ['developer']).optional(),
};

export const ruleSchema = z
  .strictObject({
    id: text('Name of the rule, in records and answers.', 'no-etc'),
    effect: z.enum(['allow', 'ask', 'deny']).meta({ description: 'allow; ask: a person decides; deny. Where several rules match: deny before ask before allow.', examples: ['deny'] }),
    ...who,
    profiles: texts('Ids of profiles. Absent: every profile.', ['coding']).optional(),
    when: text('A CEL expression over args, caller, tool, call and flow; it must yield true or false. One that fails denies.', "has(args.path) && args.path.startsWith('/etc')").optional(),
    reason: text('What a refused caller reads, and a person who is asked.', 'Paths below /etc are not for tools.').optional(),
    mode: z.enum(['enforce', 'shadow']).optional().meta({ description: 'shadow: decides nothing; what it would have decided is recorded.', examples: ['shadow'] }),
    approvers: texts('With effect ask: who may approve. "self" is the person at the client; else roles, any of them. Default: self.', ['lead']).optional(),
    expiresIn: duration('With effect ask: how long a request waits for its decision, and an approval for its call. Default: 10min.', '10min').optional(),
    remember: z.enum(['once', 'session', 'until']).optional().meta({ description: 'With effect ask: whether an approval holds for one call (once, the default), for the same call within the session, or for "rememberFor" (until).', examples: ['session'] }),
    rememberFor: duration('With remember until: how long.', '8h').optional(),
  })
  .meta({ description: 'What may be called. With no rules at all everything may; with any, what none allows is denied.', examples: [{ id: 'read-only', effect: 'allow', tools: ['files/read_*'] }] });

export const limitSchema = z
  .strictObject({
    id: text('Name of the limit, in records and answers.', 'per-caller'),
    ...who,
    per: texts('What is counted apart: caller, tenant, server, tool, profile, or args.PATH (an argument\'s value). Empty: one count for all.', ['caller', 'args.to']).default([]),
    rate: z.string().regex(RATE, 'expected a count and a period such as "600/min": a whole number from 1, "/", and s, min, hour or day').optional()
      .meta({ description: 'Calls per period: COUNT/PERIOD with the period s, min, hour or day.', examples: ['600/min', '3/hour', '10/s', '100/day'] }),
    burst: whole(1, 1_000_000_000, 'Calls that may come at once before "rate" holds them back. Default: the count of "rate".', 100).optional(),
    concurrent: whole(1, 1_000_000, 'Calls that may run at the same time.', 20).optional(),
  })
  .meta({ description: 'How often, or how many at once.', examples: [{ id: 'mail', tools: ['mail/send'], per: ['caller'], rate: '3/hour' }] });


export const budgetSchema = z
  .strictObject({
    id: text('Name of the budget, in records and answers.', 'team-day'),
    ...who,
    profiles: texts('Ids of profiles. Absent: every profile.', ['coding']).optional(),
    per: texts('What is counted apart: caller, tenant, role, server, tool, profile. Empty: one count for all.', ['caller']).default([]),
    unit: z.enum(['calls', 'bytes', 'tokens', 'usd']).meta({ description: 'What is counted. bytes: arguments and results; tokens and usd: what the models of a run use.', examples: ['calls'] }),
    limit: z.number().positive().max(1e15).meta({ description: 'So much of the unit in each period.', examples: [1000] }),
    period: z.enum(['min', 'day', 'month']).meta({ description: 'Calendar minute, day or month, in UTC.', examples: ['day'] }),
    reserve: z.number().positive().max(1e15).optional().meta({ description: 'What a call holds until its own figure is known. Default: for bytes 65536; calls always hold 1.', examples: [65_536] }),
  })
  .meta({ description: 'How much in a calendar period.', examples: [{ id: 'day', per: ['caller'], unit: 'calls', limit: 1000, period: 'day' }] });

export const approvalsSchema = z
  .strictObject({
    wait: duration('How long a client that cannot be asked is kept waiting before it is told to call again.', '20s').default('20s'),
    webhook: z
      .strictObject({
        url: text('Where new requests are announced by POST.', 'https://hooks.example.com/approvals'),
        secret: text('Key of the HMAC-SHA256 signature; a reference.', '${env:APPROVAL_HOOK_SECRET}'),
      })
      .optional()
      .meta({ description: 'Announces new requests, signed.', examples: [{ url: 'https://hooks.example.com/approvals', secret: '${env:APPROVAL_HOOK_SECRET}' }] }),
  })
  .meta({ description: 'How calls that a person decides are held.', examples: [{ wait: '30s' }] });

export const pinsSchema = z
  .strictObject({
    mode: mode('off; warn: new and changed tools are said in status and log; enforce: they are neither listed nor callable until approved.', 'off'),
    file: text('What was reviewed, meant for version control; relative to this file.', './signalbox.lock').default('./signalbox.lock'),
    recheck: duration('A server\'s list older than this is asked for again before a call is let through; 0s: before every call.', '1s').default('1s'),
  })
  .meta({ description: 'Pins tools to what was reviewed of them.', examples: [{ mode: 'enforce' }] });

export const scanSchema = z
  .strictObject({
    mode: mode('What is done about tools in whose words something hostile is found. enforce: they are hidden until pinned; warn: said in status and log.', 'enforce'),
  })
  .meta({ description: 'Looks for hidden characters and instructions to the model in what servers say of their tools.', examples: [{ mode: 'warn' }] });

export const argumentsSchema = z
  .strictObject({
    mode: mode('What is done about arguments that do not fit the tool\'s schema. enforce: refused; warn: logged.', 'enforce'),
  })
  .meta({ description: 'Checks arguments against the tool\'s schema.', examples: [{ mode: 'warn' }] });

export const guardSchema = z
  .strictObject({
    id: text('Name of the guard, in records and answers.', 'no-secrets'),
    ...who,
    secrets: z.enum(['pass', 'redact', 'block']).default('pass').meta({ description: 'Credentials in results.', examples: ['redact'] }),
    personal: z.enum(['pass', 'redact', 'block']).default('pass').meta({ description: 'Personal data in results: e-mail addresses, telephone, card and account numbers.', examples: ['redact'] }),
    injection: z.enum(['pass', 'mark', 'block']).default('pass').meta({ description: 'Instructions to the model, and hidden characters, in results.', examples: ['mark'] }),
    maxBytes: whole(256, 268_435_456, 'Text of a result beyond so many bytes is cut; the rest can be paged with signalbox__read_result.', 65_536).optional(),
  })
  .meta({ description: 'What is done about results; where several match, the strictest word of each kind counts.', examples: [{ id: 'no-secrets', secrets: 'redact', injection: 'mark' }] });

export const labelsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a label has 1 to 32 lower-case letters, digits, "-" and "_", and begins with a letter'), z.array(z.string().min(1)))
  .meta({ description: `Labels of tools, for rules that speak of what a session has touched (flow.seen). ${TOOLS}`, examples: [{ private: ['files/*'], external: ['mail/send'] }] });
