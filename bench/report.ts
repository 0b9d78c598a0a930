/** The results as text to read. */
import type { Bound, Results } from './bounds.ts';
import type { CallsResult } from './calls.ts';
import type { ColdStarts, ListResult } from './catalog.ts';
import { median } from './fixtures/statistics.ts';
import { TRANSPORTS } from './plan.ts';

/** Rows of equal length; the first is the heading. Numbers to the right, words to the left. */
function table(rows: readonly (readonly string[])[]): string {
  const isWord = (rows[1] ?? []).map((cell) => /^[a-z]/i.test(cell));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (isWord[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const [heading = [], ...body] = rows;
  return [line(heading), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

const whole = (value: number): string => value.toFixed(0);
const fraction = (value: number): string => value.toFixed(2);

function callsTable(calls: Results['calls'], sideNames: SideNames): string {
  const rows = [['upstream', 'through', 'era', 'at once', 'calls/s', 'p50 us', 'p99 us', 'CPU us/call']];
  for (const transport of TRANSPORTS) {
    for (const row of calls[transport].rows) {
      rows.push([
        transport,
        sideNames[row.side],
        row.era,
        String(row.concurrency),
        whole(row.perSecond),
        whole(row.p50Us),
        whole(row.p99Us),
        row.side === 'direct' ? '-' : whole(row.cpuUsPerOperation),
      ]);
    }
  }
  return table(rows);
}

type SideNames = Readonly<Record<CallsResult['rows'][number]['side'], string>>;

function memoryTable({ calls, list }: Results, sideNames: SideNames): string {
  const rows = [['process', 'after', 'resident MB', 'peak MB']];
  for (const transport of TRANSPORTS) {
    const { passThrough, signalbox } = calls[transport].memory;
    const after = `calls, ${transport} upstream`;
    rows.push([sideNames['pass-through'], after, whole(passThrough.residentMb), whole(passThrough.peakMb)]);
    rows.push([sideNames.signalbox, after, whole(signalbox.residentMb), whole(signalbox.peakMb)]);
  }
  if (list !== undefined) rows.push(['signalbox', 'lists', whole(list.memory.residentMb), whole(list.memory.peakMb)]);
  return table(rows);
}

function listTable({ rows, bytes }: ListResult): string {
  const lines = [['list from', 'era', 'lists/s', 'p50 ms', 'p99 ms', 'CPU ms/list']];
  for (const row of rows) {
    const milliseconds = [row.p50Us, row.p99Us, row.cpuUsPerOperation].map((us) => fraction(us / 1000));
    lines.push([row.side, row.era, whole(row.perSecond), ...milliseconds]);
  }
  return `${table(lines)}\n(${(bytes / 1e6).toFixed(2)} MB)`;
}

const medianAndAll = (values: readonly number[]): string => `${whole(median(values))} ms (${values.map(whole).join(', ')})`;

const coldStartText = ({ bareMs, signalboxMs }: ColdStarts): string =>
  `bare, side by side:  ${medianAndAll(bareMs)}\nthrough Signalbox:   ${medianAndAll(signalboxMs)}`;

function boundsTable(bounds: readonly Bound[]): string {
  const rows = bounds.map(({ name, measured, limit, unit, pass }) => {
    const digits = unit === 'x' ? fraction : whole;
    return [pass ? 'PASS' : 'FAIL', name, digits(measured), digits(limit), unit];
  });
  return table([['', 'bound', 'measured', 'at most', 'unit'], ...rows]);
}

export function formatReport(results: Results, bounds: readonly Bound[], calibrated: boolean): string {
  const sideNames: SideNames = {
    direct: 'direct',
    'pass-through': 'pass-through',
    signalbox: calibrated ? 'pass-through 2' : 'signalbox',
  };
  const parts = [
    ['Calls (medians of the rounds)', callsTable(results.calls, sideNames)],
    ['Memory', memoryTable(results, sideNames)],
  ];
  const syncs = TRANSPORTS.map((kind) => `${kind} part ${whole(median(results.calls[kind].fdatasyncUs))} us`);
  parts.push(['fdatasync of one page, p50', syncs.join(', ')]);
  if (results.list !== undefined) parts.push(['tools/list, 1,000 tools of 10 servers', listTable(results.list)]);
  if (results.coldStarts !== undefined) {
    parts.push(['Cold start, 10 stdio servers of 100 tools', coldStartText(results.coldStarts)]);
  }
  parts.push(['Bounds', boundsTable(bounds)]);
  return parts.map(([title, text]) => `${title}\n\n${text}\n`).join('\n');
}
