/**
 * Which values of a configuration count as secrets that the gateway knows: what references lead to, keys, credentials
 * written in clear. What it is told here is hidden by policies/redact; nothing is written down.
 */
import type { ConnectorStatus } from '../core/connector.ts';
import type { Outcome } from '../core/outcome.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { SecretSource, Settings } from '../core/settings.ts';
import type { KnownSecrets } from '../policies/index.ts';
import { parseReferences } from './config/references.ts';

/** Variables that describe the machine. */
const MACHINE = new Set(['HOME', 'USER', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'LANG', 'TMPDIR', 'TMP', 'TEMP', 'HOSTNAME', 'USERPROFILE', 'APPDATA', 'NODE_ENV']);
const TELLING = /pass|pwd|secret|key|token|cred|auth|cookie|salt|seed|private|pat$|dsn/i;
/** A word, a number, a path, an address without credentials: hidden everywhere, they would only make records unreadable. */
const PLAIN = /^(?:[a-z]+|[A-Z]+|\d{1,9}|[.~]{0,2}\/[\w./-]*|https?:\/\/[^\s@?]*|[\w-]+(?:\.[\w-]+)+(?::\d+)?)$/;

const isSecret = (name: string, value: string): boolean => TELLING.test(name) || !(MACHINE.has(name) || PLAIN.test(value));

/** The same source; what it resolves is known from then on. */
export const watchSecrets = (secrets: SecretSource, known: KnownSecrets): SecretSource => ({
  resolve(text) {
    for (const part of parseReferences(text)) {
      if (part.type === 'file') known.add(secrets.resolve(`\${file:${part.path}}`));
      else if (part.type === 'env') {
        const value = valueOf(secrets, `\${env:${part.name}}`);
        if (value !== undefined && isSecret(part.name, value)) known.add(value);
      }
    }
    return secrets.resolve(text);
  },
});

/** A variable that is not there has a default, which stands in the file, or is missed in a moment. */
function valueOf(secrets: SecretSource, reference: string): string | undefined {
  try {
    return secrets.resolve(reference);
  } catch {
    return undefined;
  }
}

const CREDENTIALS = /^(?:Bearer|Basic|Token|ApiKey)\s+(.+)$/i;

/** What stands in clear in a configuration, and what is decoded from it. */
export function learnFrom(settings: Settings, secrets: SecretSource, known: KnownSecrets): void {
  const learn = (name: string, text: string): void => {
    const value = valueOf(secrets, text);
    if (value === undefined || !TELLING.test(name)) return;
    const [, bare = value] = CREDENTIALS.exec(value.trim()) ?? [];
    known.add(bare);
    // RFC 7617: what is behind Basic is "user:password".
    const [, password] = /^Basic\s/i.test(value) ? /^[^:]*:([^]*)$/.exec(Buffer.from(bare, 'base64').toString('utf8')) ?? [] : [];
    if (password !== undefined) known.add(password);
  };
  for (const { id, key } of settings.callers) if (key !== undefined && !/^sha256:/i.test(key)) learn(`key of ${id}`, key);
  for (const server of settings.servers) {
    for (const [name, text] of Object.entries(server.type === 'stdio' ? server.env : server.headers)) learn(name, text);
    if (server.type !== 'stdio') learnFromUrl(valueOf(secrets, server.url) ?? '', known);
  }
  const { traces } = settings.telemetry;
  if (traces !== undefined) {
    for (const [name, text] of Object.entries(traces.headers)) learn(name, text);
    learnFromUrl(valueOf(secrets, traces.endpoint) ?? '', known);
  }
  const { webhook } = settings.approvals;
  if (webhook !== undefined) {
    learn('secret', webhook.secret);
    learnFromUrl(valueOf(secrets, webhook.url) ?? '', known);
  }
}

function learnFromUrl(text: string, known: KnownSecrets): void {
  if (!URL.canParse(text)) return;
  const url = new URL(text);
  known.add(decoded(url.password));
  for (const [name, value] of url.searchParams) if (TELLING.test(name)) known.add(value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A value without known secrets; itself where it holds none. */
export function hideIn(value: JsonValue, known: KnownSecrets): JsonValue {
  // Most hold none, and are asked once for all of their texts.
  const text = JSON.stringify(value);
  return known.hide(text) === text ? value : hideEach(value, known);
}

function hideEach(value: JsonValue, known: KnownSecrets): JsonValue {
  if (typeof value === 'string') return known.hide(value);
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return value;
  if (Array.isArray(value)) return value.map((item) => hideEach(item, known));
  // `fromEntries` defines members, so that one called __proto__ is a member.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [known.hide(name), hideEach(item, known)]));
}

/** What is an error reaches the caller without the gateway's own secrets, whatever upstream wrote them into it. */
export function withoutSecrets(outcome: Outcome, box: { redact(value: JsonValue): JsonValue }, known: KnownSecrets): Outcome {
  switch (outcome.type) {
    case 'completed':
      return outcome.isError ? { ...outcome, result: hideIn(outcome.result, known) as JsonObject } : outcome;
    case 'failed': {
      const failed = { ...outcome, message: String(box.redact(outcome.message)) };
      if (outcome.upstreamError === undefined) return failed;
      const { code, message, data } = outcome.upstreamError;
      return { ...failed, upstreamError: { code, message: known.hide(message), ...(data === undefined ? {} : { data: hideIn(data as JsonValue, known) }) } };
    }
    default:
      return outcome;
  }
}

/** What a server says of itself, and what it said last before it went, as the operator may see it. */
export const withoutPeersSecrets = (status: ConnectorStatus, { redact }: { redact(value: JsonValue): JsonValue }): ConnectorStatus => ({
  ...status,
  ...(status.problem === undefined ? {} : { problem: String(redact(status.problem)) }),
  ...(status.serverInfo === undefined ? {} : { serverInfo: redact(status.serverInfo) as JsonObject }),
});
