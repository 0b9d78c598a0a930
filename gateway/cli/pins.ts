/** `signalbox pins`: what there is beside what was reviewed, and taking the one for the other. The gateway writes the lock file. */
import { compilePatterns } from '../../core/pattern.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { printable } from '../../core/text.ts';
import { diffDefinitions, type Change } from '../../policies/index.ts';
import type { PinReport, PinsReport } from '../pins/index.ts';
import { untilReady, withGateway, type GatewayAccess } from './access.ts';
import { CommandError, EXIT } from './exit.ts';
import { counted, print, printJson, table, tell } from './print.ts';
import type { CommonOptions } from './setup.ts';

const unreviewed = ({ state }: PinReport): boolean => state === 'new' || state === 'changed';

export function listPins(options: CommonOptions): Promise<void> {
  return withReport(options, async (_gateway, report) => {
    if (options.json === true) return printJson(report);
    if (report.tools.length > 0) print(table([['TOOL', 'REVIEW', 'STANDING', 'WHY'], ...report.tools.map((one) => [one.tool, one.state, one.standing, one.why ?? ''])]));
    sayWhatIsMissing(report);
    const open = report.tools.filter(unreviewed).length;
    tell(`${report.file}: ${counted(report.tools.length - open, 'tool')} reviewed, ${open} not. Pins: ${report.mode}; scan: ${report.scan}.`);
  });
}

export function diffPins(patterns: readonly string[], options: CommonOptions): Promise<void> {
  return withReport(options, async (_gateway, report) => {
    const shown = matching(report.tools, patterns).filter((one) => one.state !== 'pinned' || one.standing !== 'clear');
    const diffs = await Promise.all(shown.map(async (one) => ({ ...one, changes: one.state === 'changed' ? await diffDefinitions(one.reviewed ?? {}, one.definition ?? {}) : [] })));
    if (options.json === true) printJson({ ...report, tools: diffs });
    else for (const one of diffs) print(`${describe(one, one.changes)}\n`);
    const open = shown.filter(unreviewed).length;
    if (options.json !== true) sayWhatIsMissing(report);
    if (report.problem === undefined && report.away.length === 0 && open === 0) return options.json === true ? undefined : tell(`Everything was reviewed: ${report.file}`);
    throw new CommandError(options.json === true || open === 0 ? '' : `${counted(open, 'tool')} to be reviewed. Take what you have read and agree with by "signalbox pins approve SERVER/TOOL".`);
  });
}

export function approvePins(patterns: readonly string[], options: CommonOptions): Promise<void> {
  return withReport(options, async (gateway, report) => {
    const matched = matching(report.tools, patterns);
    const open = matched.filter(unreviewed);
    if (open.length === 0) {
      if (matched.length === 0) throw noMatch(patterns, report);
      return options.json === true ? printJson({ approved: [], skipped: [] }) : tell('That is all reviewed already.');
    }
    // What looks hostile is a decision about one tool, never about a pattern.
    const isNamed = ({ tool }: PinReport): boolean => patterns.includes(tool);
    const skipped = open.filter((one) => !isNamed(one) && looksHostile(one));
    const wanted = open.filter((one) => !skipped.includes(one));
    if (wanted.length > 0) await gateway.admin('POST', '/pins/approve', { tools: wanted.map(({ tool, fingerprint }) => ({ tool, fingerprint })) });
    if (options.json === true) printJson({ approved: wanted.map(({ tool }) => tool), skipped: skipped.map(({ tool }) => tool) });
    else {
      for (const { tool } of wanted) print(printable(`approved  ${tool}`));
      for (const { tool, why, findings } of skipped) tell(printable(`not approved  ${tool}: ${findings.find(({ severity }) => severity === 'high')?.message ?? why ?? ''}. To take it all the same, name it without "*".`));
      if (report.mode === 'off') tell('Note: "pins.mode" is off, so the lock file only lets through what the scan holds back.');
    }
    if (skipped.length > 0) throw new CommandError('', EXIT.failed);
  });
}

export function rejectPins(patterns: readonly string[], options: CommonOptions): Promise<void> {
  return withReport(options, async (gateway, report) => {
    const held = matching(report.tools, patterns).filter(({ state }) => state !== 'new').map(({ tool }) => tool);
    if (held.length === 0) throw noMatch(patterns, report);
    await gateway.admin('POST', '/pins/reject', { tools: held });
    if (options.json === true) printJson({ rejected: held });
    else for (const tool of held) print(printable(`rejected  ${tool}`));
  });
}

function withReport(options: CommonOptions, use: (gateway: GatewayAccess, report: PinsReport) => Promise<void>): Promise<void> {
  return withGateway(options, async (gateway) => {
    await untilReady(gateway);
    return use(gateway, (await gateway.admin('GET', '/pins')) as PinsReport);
  });
}

function matching(tools: readonly PinReport[], patterns: readonly string[]): PinReport[] {
  const matches = compilePatterns(patterns.length === 0 ? undefined : patterns);
  return tools.filter(({ tool }) => matches(tool));
}

const looksHostile = ({ cause, findings }: PinReport): boolean => cause === 'name' || findings.some(({ severity }) => severity === 'high');

const noMatch = (patterns: readonly string[], { tools, away }: PinsReport): CommandError =>
  new CommandError(
    `No tool matches ${patterns.map((one) => `"${printable(one)}"`).join(' or ')}. ${away.length > 0 ? `Not connected: ${away.map(({ server }) => server).join(', ')}.` : `There ${tools.length === 1 ? 'is' : 'are'} ${counted(tools.length, 'tool')}: "signalbox pins list".`}`,
    EXIT.usage,
  );

/** What keeps this from being the whole truth. */
function sayWhatIsMissing({ file, problem, away }: PinsReport): void {
  if (problem !== undefined) tell(printable(`THE LOCK FILE ${file} CANNOT BE READ: ${problem}`));
  for (const { server, problem: why } of away) tell(printable(`Not looked at: the tools of server "${server}": ${why}`));
}

function describe({ tool, state, standing, why, definition, findings }: PinReport, changes: readonly Change[]): string {
  const head = printable(`${tool}  ${state}${standing === 'clear' ? '' : `, ${standing}: ${why}`}`);
  const lines = state === 'new' ? wholeOf(definition ?? {}) : changes.map(changeLine);
  const signs = findings.map(({ severity, at, message }) => printable(`  ! ${severity === 'high' ? 'HIGH' : 'low'}  ${at}  ${message}`));
  return [head, ...lines, ...signs].join('\n');
}

/** A new tool: its texts first, then every member of its schemas. */
function wholeOf(definition: JsonObject): string[] {
  return Object.entries(definition).flatMap(([key, value]) => (key === 'name' ? [] : leaves(value, `/${key}`))).map(([at, value]) => `  + ${at}  ${shown(value)}`);
}

function leaves(value: JsonValue, at: string): [string, JsonValue][] {
  if (!isJsonObject(value) || JSON.isRawJSON(value) || Object.keys(value).length === 0) return [[printable(at), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`));
}

function changeLine(change: Change): string {
  const at = printable(change.at);
  switch (change.type) {
    case 'added':
      return `  + ${at}  ${shown(change.value)}`;
    case 'removed':
      return `  - ${at}  ${shown(change.value)}`;
    case 'replaced':
      return `  ~ ${at}  ${shown(change.before)} -> ${shown(change.after)}`;
    case 'text':
      return `  ~ ${at}  ${change.pieces.map(({ type, text }) => marked(type, printable(text))).join('')}`;
  }
}

/** As `git diff --word-diff` marks words. */
const marked = (type: 'same' | 'removed' | 'added', text: string): string => (type === 'same' ? text : type === 'removed' ? `[-${text}-]` : `{+${text}+}`);

const shown = (value: JsonValue): string => printable(JSON.stringify(value));
