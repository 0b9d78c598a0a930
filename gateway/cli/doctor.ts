/** `signalbox doctor`: looks at everything that could be wrong, and says for each what to do. Starts the servers if need be. */
import type { ConnectorStatus } from '../../core/connector.ts';
import { checkExpression } from '../../policies/index.ts';
import { defaultConfigPath, formatProblem, loadConfig } from '../config/index.ts';
import type { StatusReport } from '../status.ts';
import { untilReady, withGateway } from './access.ts';
import { contentOf } from './check.ts';
import { checkClients, checkClock, checkDataDir, checkLedger, checkPrograms, checkSecrets, checkSettings } from './doctor-here.ts';
import { CommandError, EXIT, exitCodeOf } from './exit.ts';
import { describeFinding, ok, problem, warning, type Finding } from './findings.ts';
import { thisMachine } from './machine.ts';
import { missingSecrets } from './missing-secrets.ts';
import { isPortFree } from './port.ts';
import { counted, print, printJson } from './print.ts';
import { applyOptions, type CommonOptions, type Setup } from './setup.ts';
import { troublesOf } from './troubles.ts';

export async function doctor(options: CommonOptions): Promise<void> {
  const findings: Finding[] = [];
  const find = (found: readonly Finding[]): void => {
    findings.push(...found);
    // Said as it is found: the servers take their time.
    if (options.json !== true) for (const finding of found) print(describeFinding(finding));
  };
  find(checkPrograms());
  const setup = checkConfig(options, find);
  if (setup !== undefined) {
    const { settings } = setup;
    find(checkSettings(settings));
    find(checkDataDir(settings.data));
    find([checkLedger(settings.data), ...checkClock(settings.data, Date.now())]);
    find(await checkGateway(options));
    find(checkClients(thisMachine(), settings.listen));
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  if (options.json === true) printJson({ ok: problems === 0, findings });
  else print(`\n${problems === 0 && warnings === 0 ? 'All is well.' : `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`}`);
  if (problems > 0) throw new CommandError('', EXIT.failed);
}

function checkConfig(options: CommonOptions, find: (found: readonly Finding[]) => void): Setup | undefined {
  const path = options.config ?? defaultConfigPath(process.cwd());
  if (path === undefined) {
    find([problem('Configuration', 'there is no signalbox.yaml here', 'Name one with "-c FILE", or make one with "signalbox init".')]);
    return undefined;
  }
  const loaded = loadConfig(path, { checkExpression });
  if (!loaded.ok) {
    find(loaded.problems.map((one) => problem('Configuration', formatProblem(one), 'Correct the file, then run "signalbox check".')));
    return undefined;
  }
  find([ok('Configuration', `${path} is valid: ${contentOf(loaded.settings)}`)]);
  find(loaded.warnings.map((one) => warning('Configuration', formatProblem(one), 'Correct it, or leave it as it is.')));
  find(checkSecrets(missingSecrets(loaded.settings, path, process.env)));
  return applyOptions(loaded.settings, path, options);
}

/** The gateway that runs, or one that is started to see whether it can be. */
async function checkGateway(options: CommonOptions): Promise<Finding[]> {
  try {
    return await withGateway(options, async (gateway) => {
      await untilReady(gateway);
      const report = (await gateway.admin('GET', '/status')) as StatusReport;
      return [
        gateway.isRunning ? ok('Gateway', `runs at ${gateway.url}`) : await checkPort(gateway.setup),
        ...report.servers.flatMap(soundServer),
        // What the data directory was found to be was said already.
        ...troublesOf(report, Date.now()).filter(({ check }) => check !== 'Disk space'),
        ...pinFindings(report.pins),
      ];
    });
  } catch (error) {
    // Told to end, there is nothing more to find.
    if (!(error instanceof CommandError) || error.exitCode >= exitCodeOf('SIGHUP')) throw error;
    const [message = '', ...next] = error.message.split('\n');
    return [problem('Gateway', `does not start: ${message}`, next.join(' ') || 'Correct that, then run this again.')];
  }
}

async function checkPort({ settings: { listen } }: Setup): Promise<Finding> {
  if (listen.port === 0 || (await isPortFree(listen.host, listen.port))) return ok('Gateway', 'can be started; it does not run now');
  return problem('Gateway', `cannot be started: port ${listen.port} on ${listen.host} is taken`, 'Stop what uses it, or choose another "listen.port".');
}

/** Each with its next step; more than these are not read. */
const MAX_TOOLS = 20;

const lookAt = (tool: string): string => `Look at it with "signalbox pins diff ${tool}", then "signalbox pins approve ${tool}", or leave it as it is.`;

const pinFindings = ({ quarantined, noted }: StatusReport['pins']): Finding[] => [
  ...quarantined.slice(0, MAX_TOOLS).map(({ tool, why }) => warning(`Tool ${tool}`, `is quarantined: ${why}`, lookAt(tool))),
  ...(quarantined.length > MAX_TOOLS ? [warning('Tools', `${quarantined.length - MAX_TOOLS} more are quarantined`, 'See them all with "signalbox pins list".')] : []),
  ...noted.slice(0, MAX_TOOLS).map(({ tool, why }) => warning(`Tool ${tool}`, why, lookAt(tool))),
];

const soundServer = ({ id, state, transport, protocolVersion, toolCount }: ConnectorStatus): Finding[] =>
  state === 'ready' && toolCount > 0 ? [ok(`Server ${id}`, `connected (${transport}, ${protocolVersion ?? 'unknown version'}), ${counted(toolCount, 'tool')}`)] : [];
