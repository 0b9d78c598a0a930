/** From validated input to `Settings`: defaults that depend on others, absolute paths, the hash. Checks nothing. */
import { resolve } from 'node:path';
import { canonicalJson, sha256Hex } from '../../core/json.ts';
import type { AuditSettings, BudgetSettings, CallerSettings, GuardSettings, LimitSettings, ProfileSettings, RuleSettings, ServerSettings, Settings, ToolOverride } from '../../core/settings.ts';
import { parseDuration, parseRate } from './rate.ts';
import { withEnvPrefix } from './references.ts';
import type { ConfigInput } from './schema.ts';
import type { ServerInput } from './schema-servers.ts';

const LONGEST_DEFAULT_IDLE_MS = 60_000;

/** A type's optional members without `undefined` among their values. */
type Exact<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A copy without the members that are `undefined`. */
const present = <T extends object>(members: T) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Exact<T>;

export function buildSettings(config: ConfigInput, source: string | undefined, baseDir: string): Settings {
  const settings = {
    listen: config.listen,
    data: config.data,
    servers: Object.entries(config.servers).map(([id, server]) => buildServer(id, server)),
    profiles: Object.entries(config.profiles).map(([id, profile]): ProfileSettings => ({ id, ...profile, tools: mapValues(profile.tools, (override): ToolOverride => present(override)) })),
    callers: config.callers.map((caller): CallerSettings => present({ ...caller, key: caller.key === undefined ? undefined : withEnvPrefix(caller.key) })),
    rules: config.rules.map(({ expiresIn, rememberFor, ...rule }): RuleSettings => present({ ...rule, expiresInMs: durationOf(expiresIn), rememberForMs: durationOf(rememberFor) })),
    limits: config.limits.map(({ rate, ...limit }): LimitSettings => present({ ...limit, rate: rate === undefined ? undefined : parseRate(rate) })),
    budgets: config.budgets.map((budget): BudgetSettings => present(budget)),
    approvals: present({ waitMs: parseDuration(config.approvals.wait) ?? 0, webhook: config.approvals.webhook }),
    pins: { mode: config.pins.mode, file: config.pins.file, recheckMs: parseDuration(config.pins.recheck) ?? 0 },
    scan: config.scan,
    arguments: config.arguments,
    guards: config.guards.map((guard): GuardSettings => present(guard)),
    labels: config.labels,
    audit: buildAudit(config.audit),
    log: config.log,
    telemetry: present(config.telemetry),
  };
  const hash = sha256Hex(canonicalJson({ ...settings, servers: byId(settings.servers), profiles: byId(settings.profiles) }));
  return deepFreeze({
    ...settings,
    ...(source === undefined ? {} : { source }),
    hash,
    data: resolve(baseDir, settings.data),
    pins: { ...settings.pins, file: resolve(baseDir, settings.pins.file) },
    audit: withFile(settings.audit, baseDir),
    servers: settings.servers.map((server) => (server.type === 'stdio' ? { ...server, cwd: resolve(baseDir, server.cwd ?? '.') } : server)),
  });
}

/** The order of keys in a map means nothing, so it is no part of the hash. */
const byId = <T extends { readonly id: string }>(items: readonly T[]): T[] => [...items].sort((a, b) => (a.id < b.id ? -1 : 1));

const durationOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDuration(text));

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

const buildAudit = ({ retention, checkpoints: { every, ...checkpoints }, ...audit }: ConfigInput['audit']): AuditSettings => ({
  ...audit,
  ...(retention === undefined ? {} : { retention: { keepMs: parseDuration(retention.keep) ?? 0 } }),
  checkpoints: present({ ...checkpoints, everyMs: parseDuration(every) ?? 0 }),
});

const withFile = (audit: AuditSettings, baseDir: string): AuditSettings =>
  audit.checkpoints.file === undefined ? audit : { ...audit, checkpoints: { ...audit.checkpoints, file: resolve(baseDir, audit.checkpoints.file) } };

function buildServer(id: string, server: ServerInput): ServerSettings {
  const { type, command, args, env, cwd, url, headers, idleTimeoutMs, ...common } = server;
  const shared = { id, ...common, idleTimeoutMs: idleTimeoutMs ?? Math.min(common.timeoutMs, LONGEST_DEFAULT_IDLE_MS) };
  if (url !== undefined) return { ...shared, type: type === 'sse' ? 'sse' : 'http', url, headers: headers ?? {} };
  return { ...shared, type: 'stdio', command: command ?? '', args: args ?? [], env: env ?? {}, ...(cwd === undefined ? {} : { cwd }) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
