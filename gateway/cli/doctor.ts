/** `signalbox doctor`: looks at everything that could be wrong, and says for each what to do. Starts the servers if need be. */
import type { ConnectorStatus } from '../../core/connector.ts';
import { checkExpression } from '../../policies/index.ts';
import { defaultConfigPath, formatProblem, loadConfig } from '../config/index.ts';
import type { StatusReport } from '../status.ts';
import { untilReady, withGateway } from './access.ts';
import { contentOf } from './check.ts';
import { checkClients, checkDataDir, checkLedger, checkPrograms, checkSecrets, checkSettings } from './doctor-here.ts';
import { CommandError, EXIT, exitCodeOf } from './exit.ts';
import { describeFinding, ok, problem, warning, type Finding } from './findings.ts';
import { thisMachine } from './machine.ts';
import { missingSecrets } from './missing-secrets.ts';
import { isPortFree } from './port.ts';
import { counted, print, printJson } from './print.ts';
import { applyOptions, type CommonOptions, type Setup } from './setup.ts';

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
    find([checkLedger(settings.data)]);
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
      const { servers, ledger, register, pins } = (await gateway.admin('GET', '/status')) as StatusReport;
      return [
        gateway.isRunning ? ok('Gateway', `runs at ${gateway.url}`) : await checkPort(gateway.setup),
        ...register.places.flatMap(({ place, waiting, problem: why }) => (why === undefined ? [] : [problem('Register', `${counted(waiting, 'checkpoint')} not delivered to the ${place}: ${why}`, 'They are tried again, and are in the ledger; look at "audit.checkpoints" in the configuration.')])),
        ...(ledger.ok ? [] : [problem('Ledger', `cannot be written: ${ledger.problem ?? 'the cause is in the log'}`, 'Every call is refused until it can.')]),
        ...servers.map(serverFinding),
        ...pinFindings(pins),
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

function pinFindings({ file, problem: broken, quarantined, noted }: StatusReport['pins']): Finding[] {
  const next = 'Look at it with "signalbox pins diff", then approve it or leave it out.';
  return [
    ...(broken === undefined ? [] : [problem('Lock file', `${file} cannot be read: ${broken}`, 'Correct it, or take the last good version back: until then nothing counts as reviewed.')]),
    ...quarantined.map(({ tool, why }) => warning(`Tool ${tool}`, `is quarantined: ${why}`, next)),
    ...noted.map(({ tool, why }) => warning(`Tool ${tool}`, why, next)),
  ];
}

function serverFinding({ id, state, problem: why, transport, protocolVersion, toolCount }: ConnectorStatus): Finding {
  const check = `Server ${id}`;
  if (state !== 'ready') return problem(check, why ?? state, 'Correct that; a gateway that runs tries again by itself.');
  if (toolCount === 0) return warning(check, 'connected, but it has no tools', 'Look at how the server is started: it may need arguments or a login.');
  return ok(check, `connected (${transport}, ${protocolVersion ?? 'unknown version'}), ${counted(toolCount, 'tool')}`);
}
