/** The HTTP headers that a request to an upstream carries. Values never reach a log or a message. */
import type { SecretSource } from '../../core/settings.ts';

/** Ours to set: a configured header of these names would contradict the message that it travels with. */
const RESERVED = new Set([
  'content-type', 'content-length', 'accept', 'accept-encoding', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te',
  'trailer', 'expect', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id',
]);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Names and values in turn, references resolved.
 * @throws MissingSecret, or an Error naming the header (never its value)
 */
export function configuredHeaders(headers: Readonly<Record<string, string>>, secrets: SecretSource): string[] {
  const flat: string[] = [];
  for (const [name, reference] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) throw new Error(`header "${name}" is no valid header name`);
    if (RESERVED.has(lower) || lower.startsWith('mcp-param-')) throw new Error(`header "${name}" is set by the gateway itself; take it out of "headers"`);
    const value = secrets.resolve(reference).trim();
    if (!FIELD_VALUE.test(value)) throw new Error(`the value of header "${name}" holds characters that no header may hold (a line break?)`);
    flat.push(lower, value);
  }
  return flat;
}

export const isSessionId = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 4_096 && /^[\x21-\x7e]+$/.test(value);

/** Names and values in turn, as lines of a request. Both have been checked, or are ours. */
export function fieldLines(flat: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < flat.length; at += 2) lines += `${flat[at]}: ${flat[at + 1]}\r\n`;
  return lines;
}

/** W3C Trace Context as lines of a request. */
export const traceLines = (traceparent: string, tracestate: string | undefined): string =>
  fieldLines(tracestate === undefined ? ['traceparent', traceparent] : ['traceparent', traceparent, 'tracestate', tracestate]);

export function valueIn(flat: readonly string[], name: string): string | undefined {
  for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return flat[at + 1];
  return undefined;
}
