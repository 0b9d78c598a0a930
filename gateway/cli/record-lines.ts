/**
 * Ledger records as lines for a person: one for each call, when it has ended, and one for everything else. It remembers
 * the calls that have begun, since the record of an end does not repeat who called what.
 */
import type { RecordBody } from '../../core/audit.ts';
import { printable } from '../../core/text.ts';
import { duration } from './print.ts';

export interface RecordLines {
  /** The lines that a record completes: one, or none for the beginning of a call. */
  add(record: RecordBody): string[];
  /** Lines for calls that have begun and not ended. */
  open(): string[];
}

/** Calls remembered: more than can be under way at once. */
const MAX_OPEN = 100_000;

export function createRecordLines(): RecordLines {
  const begun = new Map<string, RecordBody>();
  return {
    add(record) {
      if (record.kind === 'intent') {
        begun.set(text(record['call']), record);
        if (begun.size > MAX_OPEN) begun.delete(begun.keys().next().value as string);
        return [];
      }
      const intent = begun.get(text(record['call']));
      begun.delete(text(record['call']));
      return [lineOf(record, intent)];
    },
    open: () => [...begun.values()].map((intent) => line(intent, whatOf(intent), 'under way')),
  };
}

function lineOf(record: RecordBody, intent: RecordBody | undefined): string {
  switch (record.kind) {
    case 'intent':
      return line(record, whatOf(record), 'under way');
    case 'outcome':
      return line(record, whatOf(intent ?? record), `${endOf(record)}  ${duration(Number(record['totalMs']))}`);
    case 'unknown':
      return line(record, whatOf(intent ?? record), 'unknown: the gateway stopped before it ended');
    case 'refused':
      return line(record, whatOf(record), `refused ${text(record['code'])}${record['limit'] === undefined ? '' : ` by limit ${text(record['limit'])}`}`);
    case 'auth':
      return line(record, 'not let in', details(record));
    case 'start':
      return line(record, 'gateway started', `version ${text(record['version'])} at ${text(record['url'])}`);
    case 'stop':
      return line(record, 'gateway stopped', '');
    case 'reload':
      return line(record, record['ok'] === true ? 'configuration taken on' : 'configuration refused', record['ok'] === true ? text(record['config']).slice(0, 12) : text(record['problem']));
    case 'keys':
      return line(record, `key ${text(record['key'])}`, `${text(record['action'])}d${record['caller'] === undefined ? '' : ` for ${text(record['caller'])}`}`);
    case 'approval':
      return line(record, `${text(record['caller'])}  ${text(record['tool'])}  ${text(record['approval'])}`, VERDICTS.get(text(record['verdict']))?.(text(record['by'])) ?? details(record));
    // A ledger may hold kinds that a later version wrote.
    default:
      return line(record, text((record as RecordBody).kind), details(record));
  }
}

const VERDICTS: ReadonlyMap<string, (by: string) => string> = new Map([
  ['approve', (by: string) => `approved by ${by}`],
  ['deny', (by: string) => `denied by ${by}`],
  ['expire', () => 'approval expired'],
  ['void', () => 'decided too late'],
]);

/** Who called what, and what decided it. */
function whatOf(record: RecordBody): string {
  const tool = record['tool'] ?? record['name'];
  if (tool === undefined) return `call ${text(record['call'])}`;
  const rule = record['rule'] === undefined ? '' : ` (${text(record['rule'])})`;
  return `${text(record['caller'])}  ${text(tool)}  ${record['effect'] === undefined ? 'not decided' : `${text(record['effect'])}${rule}`}`;
}

function endOf(record: RecordBody): string {
  if (record['outcome'] !== 'completed') return `${text(record['outcome'])} ${text(record['code'])}`;
  return record['isError'] === true ? 'completed with a tool error' : 'completed';
}

const KNOWN = new Set(['seq', 'prev', 'kind', 'time']);
const details = (record: RecordBody): string =>
  Object.entries(record).filter(([key]) => !KNOWN.has(key)).map(([key, value]) => `${key}=${text(value)}`).join(' ');

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function line({ time }: RecordBody, what: string, how: string): string {
  const when = new Date(time).toISOString().replace('T', ' ').replace('Z', '');
  return printable(`${when}  ${what}${how === '' ? '' : `  ${how}`}`);
}
