/** One entry of an IDE's file, in any of the spellings in use, as an entry for `signalbox.yaml`. */
import { OWN_HEADERS } from '../config/check-servers.ts';
import { isBlock, type Block } from './read.ts';

/** What an imported server is written with. */
export interface ServerEntry {
  readonly type?: 'sse';
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly disabled?: boolean;
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
}

export type EntryResult = { readonly ok: true; readonly entry: ServerEntry } | { readonly ok: false; readonly why: string };

const MAX_SECONDS = 86_400;

export function readEntry(raw: unknown): EntryResult {
  if (!isBlock(raw)) return { ok: false, why: 'it is no entry of a server' };
  const url = firstText(raw, 'url', 'serverUrl', 'httpUrl');
  const command = firstText(raw, 'command');
  const shared = {
    ...(raw['disabled'] === true || raw['enabled'] === false ? { disabled: true } : {}),
    ...milliseconds('timeoutMs', raw['tool_timeout_sec']),
    ...milliseconds('connectTimeoutMs', raw['startup_timeout_sec']),
  };
  if (url !== undefined) {
    const written = { ...textMap(raw['headers']), ...textMap(raw['http_headers']), ...codexHeaders(raw) };
    const headers = Object.fromEntries(Object.entries(written).filter(([name]) => !OWN_HEADERS.test(name)));
    return { ok: true, entry: { ...(raw['type'] === 'sse' ? { type: 'sse' } : {}), url, ...(Object.keys(headers).length === 0 ? {} : { headers }), ...shared } };
  }
  if (command === undefined) return { ok: false, why: 'it has neither a command nor a url' };
  const args = Array.isArray(raw['args']) ? raw['args'].filter((argument) => typeof argument === 'string' || typeof argument === 'number').map(String) : [];
  const env = { ...forwarded(raw['env_vars']), ...textMap(raw['env']) };
  const cwd = firstText(raw, 'cwd');
  return {
    ok: true,
    entry: { command, ...(args.length === 0 ? {} : { args }), ...(Object.keys(env).length === 0 ? {} : { env }), ...(cwd === undefined ? {} : { cwd }), ...shared },
  };
}

function firstText(raw: Block, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** Numbers and truth values, which IDEs let pass, as text. */
function textMap(value: unknown): Record<string, string> {
  if (!isBlock(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([, one]) => ['string', 'number', 'boolean'].includes(typeof one)).map(([name, one]) => [name, String(one)]));
}

/** Codex names variables that hold header values. */
function codexHeaders(raw: Block): Record<string, string> {
  const headers: Record<string, string> = {};
  const token = firstText(raw, 'bearer_token_env_var');
  if (token !== undefined) headers['Authorization'] = `Bearer \${env:${token}}`;
  for (const [name, variable] of Object.entries(textMap(raw['env_http_headers']))) headers[name] = `\${env:${variable}}`;
  return headers;
}

/** Codex's list of variables that it hands on to the process. */
const forwarded = (names: unknown): Record<string, string> =>
  Array.isArray(names) ? Object.fromEntries(names.filter((name) => typeof name === 'string').map((name) => [name, `\${env:${name}}`])) : {};

const milliseconds = (key: 'timeoutMs' | 'connectTimeoutMs', seconds: unknown): Partial<Record<typeof key, number>> =>
  typeof seconds === 'number' && seconds > 0 && seconds <= MAX_SECONDS ? { [key]: Math.max(1, Math.round(seconds * 1000)) } : {};
