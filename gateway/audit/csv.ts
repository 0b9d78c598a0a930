/** Entries as CSV (RFC 4180) that a spreadsheet takes for text and nothing else. */
import type { JsonObject } from '../../core/json.ts';
import type { SearchEntry } from '../../store/index.ts';

const COLUMNS = ['seq', 'end', 'time', 'kind', 'caller', 'tenant', 'tool', 'decision', 'rule', 'outcome', 'code', 'isError', 'durationMs', 'call', 'session', 'trace', 'approval'] as const;

export const CSV_HEAD = `${[...COLUMNS, 'name', 'face', 'profile', 'fingerprint', 'args'].join(',')}\r\n`;

export function csvLine(entry: SearchEntry, body: JsonObject | undefined): string {
  const own = COLUMNS.map((name) => (name === 'time' ? new Date(entry.time).toISOString() : entry[name]));
  const { name, face, profile, fingerprint, args } = body ?? {};
  return `${[...own, name, face, profile, fingerprint, args === undefined ? undefined : JSON.stringify(args)].map(cell).join(',')}\r\n`;
}

/** What a spreadsheet would calculate (OWASP, CSV Injection), full-width forms included, wherever white space comes first. */
const FORMULA = /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = String(value);
  return `"${FORMULA.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}
