/**
 * The configuration, validated and with its defaults filled in: an immutable snapshot. Secrets are still references
 * here (`${env:NAME}`, `${file:PATH}`); who needs one resolves it at the moment of use through `SecretSource`.
 */
import type { Effect } from './decision.ts';

export interface ListenSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Host header values accepted besides the loopback names and `host` itself (no port: any port). */
  readonly allowedHosts: readonly string[];
  /** Origins accepted besides the gateway's own, e.g. `https://ide.example.com`. */
  readonly allowedOrigins: readonly string[];
  readonly maxBodyBytes: number;
  /** Nesting of arrays and objects in a body. */
  readonly maxDepth: number;
}

interface ServerCommon {
  readonly id: string;
  readonly disabled: boolean;
  /** Longest that one call may take, progress or not. */
  readonly timeoutMs: number;
  /** Longest silence within a call; each progress notification starts it anew. */
  readonly idleTimeoutMs: number;
  readonly maxResponseBytes: number;
  /** Calls in flight at once. */
  readonly concurrency: number;
  /** Calls that may wait for a place; one more is refused as busy. */
  readonly queue: number;
  readonly connectTimeoutMs: number;
  /** The operator's word that repeating a call of these tools (patterns over upstream names) does no harm. */
  readonly idempotent: readonly string[];
}

export interface StdioServerSettings extends ServerCommon {
  readonly type: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment besides PATH, HOME and the like (see docs/configuration.md); values may be references. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface HttpServerSettings extends ServerCommon {
  /** `http`: Streamable HTTP, falling back to HTTP+SSE when the server says so; `sse`: HTTP+SSE only. */
  readonly type: 'http' | 'sse';
  readonly url: string;
  /** Values may hold references. */
  readonly headers: Readonly<Record<string, string>>;
}

export type ServerSettings = StdioServerSettings | HttpServerSettings;

export interface ToolOverride {
  readonly name?: string;
  readonly title?: string;
  readonly description?: string;
}

export interface ProfileSettings {
  readonly id: string;
  /** Patterns over `server/tool`. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly names: 'prefixed' | 'plain';
  /** By `server/tool`, exact. */
  readonly tools: Readonly<Record<string, ToolOverride>>;
}

export interface CallerSettings {
  readonly id: string;
  /** A reference to the key, or the hash that `signalbox keys create` printed; absent where keys live in the store. */
  readonly key?: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Absent: every profile. */
  readonly profiles?: readonly string[];
}

export interface RuleSettings {
  readonly id: string;
  readonly effect: Effect;
  /** Patterns over `server/tool`; absent: every tool. */
  readonly tools?: readonly string[];
  /** Caller ids; absent: every caller. */
  readonly callers?: readonly string[];
  /** Any of these roles; absent: every caller. */
  readonly roles?: readonly string[];
  readonly profiles?: readonly string[];
  /** CEL over `args`, `caller`, `tool`, `call`, `flow`; must yield a boolean. */
  readonly when?: string;
  /** What a refused caller reads. */
  readonly reason?: string;
  /** `shadow` decides nothing: what it would have decided is recorded. Absent: `enforce`. */
  readonly mode?: 'enforce' | 'shadow';
  /** For `ask`: who may approve; `self` (the person at the client) or roles, any of them. Absent: `self`. */
  readonly approvers?: readonly string[];
  /** For `ask`: how long the request waits for a decision, and its grant for being used. */
  readonly expiresInMs?: number;
  /** For `ask`: `once` per grant; `session`: as long as the session; `until`: for `rememberForMs`. */
  readonly remember?: 'once' | 'session' | 'until';
  readonly rememberForMs?: number;
}

export interface LimitSettings {
  readonly id: string;
  readonly tools?: readonly string[];
  readonly callers?: readonly string[];
  readonly roles?: readonly string[];
  /** What is counted apart: `caller`, `tenant`, `server`, `tool`, `profile`, or `args.PATH`. Empty: one count for all. */
  readonly per: readonly string[];
  readonly rate?: { readonly count: number; readonly periodMs: number };
  /** Calls that may come at once before `rate` holds them back; defaults to `rate.count`. */
  readonly burst?: number;
  readonly concurrent?: number;
}

export type BudgetUnit = 'calls' | 'bytes' | 'tokens' | 'usd';
export type BudgetPeriod = 'min' | 'day' | 'month';

/** So much of a unit in each calendar period (UTC); counted across restarts. */
export interface BudgetSettings {
  readonly id: string;
  readonly tools?: readonly string[];
  readonly callers?: readonly string[];
  readonly roles?: readonly string[];
  readonly profiles?: readonly string[];
  /** What is counted apart: `caller`, `tenant`, `role`, `server`, `tool`, `profile`. Empty: one count for all. */
  readonly per: readonly string[];
  readonly unit: BudgetUnit;
  readonly limit: number;
  readonly period: BudgetPeriod;
  /** What a call holds of the unit before its own figure is known; `calls` always holds 1. */
  readonly reserve?: number;
}

export interface ApprovalSettings {
  /** How long a client that cannot be asked is kept waiting before it is told to call again. */
  readonly waitMs: number;
  /** Where requests are announced; `url` and `secret` may hold references. */
  readonly webhook?: { readonly url: string; readonly secret: string };
}

export interface PinSettings {
  readonly mode: 'off' | 'warn' | 'enforce';
  /** Absolute path of the lock file. */
  readonly file: string;
  /** A list of tools older than this is asked for again before a call is let through; 0: before every call. */
  readonly recheckMs: number;
}

/** `enforce` hides and refuses tools in which something hostile was found, until they are pinned; `warn` only says so. */
export interface ScanSettings {
  readonly mode: 'off' | 'warn' | 'enforce';
}

/** Arguments against the tool's schema. */
export interface ArgumentSettings {
  readonly mode: 'off' | 'warn' | 'enforce';
}

/** What is done about results; of several that match a call, the strictest word of each kind counts. */
export interface GuardSettings {
  readonly id: string;
  readonly tools?: readonly string[];
  readonly callers?: readonly string[];
  readonly roles?: readonly string[];
  readonly secrets: 'pass' | 'redact' | 'block';
  readonly personal: 'pass' | 'redact' | 'block';
  readonly injection: 'pass' | 'mark' | 'block';
  /** Text beyond this is cut, and kept behind a handle that the caller can page. Absent: never cut. */
  readonly maxBytes?: number;
}

/** How often the ledger is signed, and where that is told besides. */
export interface CheckpointSettings {
  /** After so many records. */
  readonly records: number;
  /** And after so long, where there is anything new. */
  readonly everyMs: number;
  /** Absolute path of a file that each checkpoint is appended to. */
  readonly file?: string;
  /** Takes each by POST; may hold references. */
  readonly webhook?: { readonly url: string };
}

export interface AuditSettings {
  /** `full`: besides what is redacted, the exact arguments and results, encrypted under a key for each tenant. */
  readonly payloads: 'none' | 'digest' | 'redacted' | 'full';
  /** How long records keep their text; absent: for ever. */
  readonly retention?: { readonly keepMs: number };
  /** `strict` holds the answer until the outcome is durable too. */
  readonly durability: 'intent' | 'strict';
  /** Argument names (patterns, case-insensitive) whose values are redacted besides the built-in ones. */
  readonly redact: readonly string[];
  readonly checkpoints: CheckpointSettings;
}

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'text' | 'json';
}

export interface MetricsSettings {
  /** Whether metrics name callers. */
  readonly callers: boolean;
}

export interface TraceSettings {
  /** Where OTLP/HTTP is taken; may hold references. */
  readonly endpoint: string;
  /** Values may hold references. */
  readonly headers: Readonly<Record<string, string>>;
  /** Share of the calls that came without a trace which are traced, 0 to 1. */
  readonly sample: number;
}

export interface TelemetrySettings {
  readonly metrics: MetricsSettings;
  /** Absent: nothing is traced. */
  readonly traces?: TraceSettings;
}

export interface Settings {
  /** The file it was read from; absent for built-in defaults. */
  readonly source?: string;
  /** SHA-256 (hex) over the canonical JSON of what was read: the same for the same meaning. */
  readonly hash: string;
  readonly listen: ListenSettings;
  /** Absolute path of the data directory. */
  readonly data: string;
  readonly servers: readonly ServerSettings[];
  readonly profiles: readonly ProfileSettings[];
  readonly callers: readonly CallerSettings[];
  readonly rules: readonly RuleSettings[];
  readonly limits: readonly LimitSettings[];
  readonly budgets: readonly BudgetSettings[];
  readonly approvals: ApprovalSettings;
  readonly pins: PinSettings;
  readonly scan: ScanSettings;
  readonly arguments: ArgumentSettings;
  readonly guards: readonly GuardSettings[];
  /** Label -> patterns over `server/tool`. What a tool touches, in the operator's words. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly audit: AuditSettings;
  readonly log: LogSettings;
  readonly telemetry: TelemetrySettings;
}

/** Resolves the references in a text. */
export interface SecretSource {
  /** @throws MissingSecret naming what is missing and where the reference stands, never a value */
  resolve(text: string): string;
}

export class MissingSecret extends Error {
  override readonly name = 'MissingSecret';
}
