/** The gateway's log on stderr: text for people, or JSON lines; whatever goes out has been through the redactor. */
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';
import type { Log } from '../core/log.ts';
import type { LogSettings } from '../core/settings.ts';
import { printable, printableLines } from '../core/text.ts';

export interface LogParts extends LogSettings {
  readonly redactText: (text: string) => string;
  /** Where lines go; stderr unless told otherwise. stdout belongs to answers. */
  readonly write?: (line: string) => void;
}

export function createLog({ level, format, redactText, write = toStderr }: LogParts): Log {
  const destination: DestinationStream = {
    write: (line) => write(redactText(format === 'json' ? printableLines(line) : asText(line))),
  };
  const base = { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { level: (label: string) => ({ level: label }) } };
  return pino(base, destination) as Log;
}

const toStderr = (line: string): void => {
  process.stderr.write(line);
};

/** `12:03:44 warn  server "files" is down  server=files attempt=2` */
function asText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value)}`)
    .join(' ');
  return `${printable(`${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(msg)}${details === '' ? '' : `  ${details}`}`)}\n`;
}
