/** `signalbox status`: how the gateway that runs on the data directory stands. It starts none. */
import type { ConnectorStatus } from '../../core/connector.ts';
import { printable } from '../../core/text.ts';
import type { BudgetUsage } from '../../core/lease.ts';
import type { StatusReport } from '../status.ts';
import { withRunning } from './access.ts';
import { CommandError } from './exit.ts';
import { describeFinding } from './findings.ts';
import { counted, duration, print, printJson, table } from './print.ts';
import { dataDirOf, type CommonOptions } from './setup.ts';
import { troublesOf } from './troubles.ts';

export async function status(options: CommonOptions): Promise<void> {
  const data = dataDirOf(options);
  const found = await withRunning(data, async (gateway) => gateway && { url: gateway.url, report: (await gateway.admin('GET', '/status')) as StatusReport });
  if (found === undefined) {
    if (options.json === true) printJson({ running: false, data });
    throw new CommandError(options.json === true ? '' : `No gateway runs on the data directory ${data}. Start one with "signalbox serve".`);
  }
  const { url, report } = found;
  if (options.json === true) printJson({ running: true, url, data, ...report });
  else print(describe(report, url, data));
}

function describe(report: StatusReport, url: string, data: string): string {
  const { ledger, servers } = report;
  const facts = [
    ['Signalbox', `${report.version}, process ${report.pid}, Node.js ${report.node.slice(1)}, up ${duration(report.upSeconds * 1000)}`],
    ['Endpoint', `${url}/mcp`],
    ['Configuration', `${report.config.source ?? 'built-in defaults'} (${report.config.hash.slice(0, 12)})`],
    ['Data', data],
    ['Rules', report.rules === 0 ? 'none: every tool is allowed' : String(report.rules)],
    ['Callers', report.callers === 0 ? 'none: everybody on this machine is "local"' : String(report.callers)],
    ['Clients', `${counted(report.sessions, 'session')}, ${counted(report.subscriptions, 'subscription')}`],
    ['Ledger', ledger.ok ? `written (${counted(ledger.written, 'record')} since the start)` : 'CANNOT BE WRITTEN, so every call is refused'],
    ['Register', registerNote(report.register)],
    ...tracesNote(report.traces),
    ['Tools', `${report.tools} from ${counted(servers.length, 'server')}${heldNote(report)}`],
  ];
  const rows = servers.map((server) => [server.id, server.state, server.transport, server.protocolVersion ?? '-', String(server.toolCount), noteOn(server)]);
  const list = servers.length === 0 ? [] : ['', table([['SERVER', 'STATE', 'TRANSPORT', 'PROTOCOL', 'TOOLS', 'CALLS'], ...rows])];
  return [table(facts), ...list, ...budgetsOf(report.budgets), ...pinsOf(report), ...troubles(report)].join('\n');
}

/** Each budget with the count that has the most used. */
function budgetsOf(budgets: readonly BudgetUsage[]): string[] {
  if (budgets.length === 0) return [];
  const rows = budgets.map(({ id, unit, limit, period, endsAt, keys, most }) => {
    const [first] = most;
    const used = first === undefined ? '0' : `${first.used}${first.key === '' ? '' : ` by ${printable(first.key)}`}${keys > 1 ? ` (most of ${keys})` : ''}`;
    return [id, `${limit} ${unit}/${period}`, used, `in ${duration(endsAt - Date.now())}`];
  });
  return ['', table([['BUDGET', 'LIMIT', 'USED', 'NEXT PERIOD'], ...rows])];
}

/** What the newest checkpoint vouches for. */
const registerNote = ({ newest, problem }: StatusReport['register']): string =>
  problem !== undefined ? 'NO CHECKPOINT CAN BE MADE' : newest === undefined ? 'no checkpoint since the start' : `signed up to record ${newest.size}, ${duration(Date.now() - newest.at)} ago`;

const tracesNote = (traces: StatusReport['traces']): string[][] =>
  traces === undefined ? [] : [['Traces', `${counted(traces.exported, 'span')} exported, ${traces.dropped} dropped`]];

const heldNote = ({ pins: { quarantined, noted } }: StatusReport): string =>
  `${quarantined.length === 0 ? '' : `, ${quarantined.length} QUARANTINED`}${noted.length === 0 ? '' : `, ${noted.length} to be reviewed`}`;

const MAX_HELD = 20;

/** Why tools are not there, or are to be looked at. */
function pinsOf({ pins: { quarantined, noted } }: StatusReport): string[] {
  const rows = [...quarantined.map((held) => ({ ...held, as: 'quarantined' })), ...noted.map((held) => ({ ...held, as: 'noted' }))];
  if (rows.length === 0) return [];
  const more = rows.length > MAX_HELD ? [`and ${rows.length - MAX_HELD} more: "signalbox pins list"`] : [];
  const next = 'Look at them with "signalbox pins diff", then "signalbox pins approve TOOL", or leave them as they are.';
  return ['', table([['TOOL', 'STANDING', 'WHY'], ...rows.slice(0, MAX_HELD).map(({ tool, as, why }) => [tool, as, why])]), ...more, next];
}

/** What keeps calls from going through, where something does. */
function noteOn({ breaker, inFlight, queued }: ConnectorStatus): string {
  const calls = `${inFlight} under way${queued === 0 ? '' : `, ${queued} waiting`}`;
  return breaker === 'closed' ? calls : `${calls}; circuit breaker ${breaker}`;
}

/** In full and on lines of their own: a column would cut off what to do. */
function troubles(report: StatusReport): string[] {
  const found = troublesOf(report, Date.now());
  return found.length === 0 ? [] : ['', ...found.map(describeFinding)];
}
