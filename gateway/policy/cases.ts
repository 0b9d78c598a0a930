/** Cases of `signalbox policy test`: read with their places, and held against the names that the configuration has. */
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { Settings } from '../../core/settings.ts';
import { didYouMean, loadDocument, type DocumentResult, type Report } from '../config/index.ts';

const text = z.string().min(1);
const FACES = ['mcp', 'cli', 'stdio', 'loop', 'console'] as const;

const caseSchema = z.strictObject({
  name: text,
  tool: text,
  caller: text.optional(),
  /** In place of those that the configuration gives the caller. */
  roles: z.array(text).optional(),
  args: z.record(z.string(), z.unknown()).optional(),
  profile: text.optional(),
  face: z.enum(FACES).optional(),
  /** Labels that were touched before. */
  seen: z.array(text).optional(),
  /** ISO 8601; for `call.now`. */
  now: text.refine((value) => !Number.isNaN(Date.parse(value)), 'expected a time such as 2026-07-28T10:00:00Z').optional(),
  /** `hidden`: the tool does not exist for this caller. */
  expect: z.enum(['allow', 'ask', 'deny', 'hidden']),
  rule: text.optional(),
  reason: text.optional(),
});

const casesSchema = z.strictObject({ cases: z.array(caseSchema).min(1) });

export type PolicyCase = Omit<z.output<typeof caseSchema>, 'args'> & { readonly args?: JsonObject };
export type Cases = DocumentResult<{ readonly cases: readonly PolicyCase[] }>;

export const loadCases = (file: string, settings: Settings): Cases =>
  loadDocument(file, casesSchema, ({ cases }, report) => {
    for (const [index, one] of cases.entries()) checkNames(one as PolicyCase, ['cases', index], settings, report);
  }) as Cases;

/** A name that is not there would make a case pass for the wrong reason. */
function checkNames(one: PolicyCase, path: readonly (string | number)[], settings: Settings, report: Report): void {
  const held = (member: string, value: string | undefined, names: readonly string[], kind: string): void => {
    if (value === undefined || names.includes(value)) return;
    const known = names.length === 0 ? `No ${kind} is configured.` : `There are ${names.slice(0, 20).map((name) => `"${name}"`).join(', ')}.`;
    report.problem([...path, ...member.split('.')].map((part) => (/^\d+$/.test(String(part)) ? Number(part) : part)), 'value', `no ${kind} has the name "${value.slice(0, 64)}"`, didYouMean(value, names) ?? known);
  };
  const { servers, callers, profiles, rules, labels } = settings;
  const slash = one.tool.indexOf('/');
  if (slash < 1 || one.tool.includes('*')) report.problem([...path, 'tool'], 'value', 'expected one tool, written "server/tool" without "*"');
  else if (servers.length > 0) held('tool', one.tool.slice(0, slash), servers.map(({ id }) => id), 'server');
  if (one.roles === undefined && callers.length > 0) {
    if (one.caller === undefined) report.problem([...path, 'tool'], 'key', 'callers are configured: expected a "caller", or "roles"');
    held('caller', one.caller, callers.map(({ id }) => id), 'caller');
  }
  held('profile', one.profile, profiles.map(({ id }) => id), 'profile');
  held('rule', one.rule, rules.filter(({ mode }) => mode !== 'shadow').map(({ id }) => id), 'rule');
  for (const [at, label] of (one.seen ?? []).entries()) held(`seen.${at}`, label, Object.keys(labels), 'label');
}
