/**
 * Where a command's words go: data to stdout, talk to stderr. What a peer wrote is made harmless where a person reads it,
 * and left as it is where a program does.
 */
import { printable, printableLines } from '../../core/text.ts';

/** A line of data. The caller has made it printable. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** A line for the person at the terminal; stdout may be read by a program. */
export const tell = (text: string): void => void process.stderr.write(`${text}\n`);

/** Escaped for the terminal, and still the same JSON. */
export const printJson = (value: unknown): void => print(printableLines(JSON.stringify(value, null, 2)));

/** Text of a tool: as it came into a pipe or a file, harmless on a terminal. */
export function printForeign(text: string): void {
  const shown = process.stdout.isTTY ? printableLines(text) : text;
  process.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`);
}

/**
 * Rows in aligned columns, each cell printable and on one line. On a terminal the last column is cut at its edge; in a
 * pipe nothing is lost.
 */
export function table(rows: readonly (readonly string[])[], width = process.stdout.isTTY ? process.stdout.columns : Infinity): string {
  const cells = rows.map((row) => row.map((cell) => [...printable(cell)]));
  const widths: number[] = [];
  for (const row of cells) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return cells
    .map((row) => {
      const last = row.length - 1;
      const before = row.slice(0, last).map((cell, at) => cell.join('') + ' '.repeat((widths[at] ?? 0) - cell.length + 2)).join('');
      return (before + cut(row[last] ?? [], width - [...before].length).join('')).trimEnd();
    })
    .join('\n');
}

const SMALLEST_CUT = 20;

const cut = (cell: string[], width: number): string[] =>
  cell.length <= width || width < SMALLEST_CUT ? cell : [...cell.slice(0, width - 1), '…'];

/** `3 servers`, `1 server`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `850 ms`, `4 s`, `3 min`, `2 h`, `5 days`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
