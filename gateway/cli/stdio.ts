/**
 * `signalbox stdio`: serves MCP on stdin and stdout, for an IDE that starts a process. Reads the configuration to know
 * which gateway is meant, and for whom; everything about tools is that gateway's.
 */
import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallerSettings, ProfileSettings, Settings } from '../../core/settings.ts';
import { createBridge, type Bridge } from '../stdio/bridge.ts';
import { createGateways, type Gateways } from '../stdio/gateways.ts';
import { createRoute } from '../stdio/route.ts';
import { keepHeapSmall } from '../heap.ts';
import { CommandError, EXIT } from './exit.ts';
import { readConfig, type CommonOptions, type Setup } from './read-config.ts';

export interface StdioOptions extends CommonOptions {
  readonly as?: string;
  readonly profile?: string;
}

/** What calls under way get when the client has ended its side. */
const GRACE_MS = 5000;
/** Where the configuration cannot be read: enough for a first request. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** How long a start that failed waits to be asked, so that the client can show why. */
const ASKED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 25;
/** A client may ask a second time in another way (`initialize` after `server/discover`). */
const ASKED_AGAIN_WITHIN_MS = 1000;

export async function stdio(options: StdioOptions): Promise<void> {
  keepHeapSmall();
  const setup = prepare(options);
  const gateways = setup instanceof CommandError ? noGateways(setup) : gatewaysOf(setup);
  const bridge = createBridge({
    input: process.stdin,
    output: process.stdout,
    gateways,
    route: createRoute(options.as, options.profile),
    maxLineBytes: setup instanceof CommandError ? MAX_LINE_BYTES : setup.settings.listen.maxBodyBytes,
  });
  let exitCode: number = EXIT.ok;
  const failed = startFailure(gateways).then((error) => {
    exitCode = error.exitCode;
    note(error.message);
    return untilTold(bridge);
  });
  const stopped = untilStopped();
  const why = await Promise.race([bridge.clientGone, stopped, failed]);
  if (why === 'ended') await Promise.race([bridge.close(GRACE_MS), stopped]);
  await bridge.close(0);
  process.exit(exitCode);
}

/** stdout is for messages alone. */
const note = (text: string): void => void process.stderr.write(`${text}\n`);

const gatewaysOf = ({ path, settings }: Setup): Gateways =>
  createGateways({ entry: realpathSync(process.argv[1] as string), config: path, dataDir: settings.data, note });

/** Says to every request why there is none. */
const noGateways = (error: CommandError): Gateways => ({
  async current() {
    throw error;
  },
  lost() {},
  close() {},
});

function prepare(options: StdioOptions): Setup | CommandError {
  try {
    // Its conditions are for the gateway to check, which says what is wrong with them when it does not start.
    const setup = readConfig(options);
    checkCaller(setup.settings, options);
    return setup;
  } catch (error) {
    return asCommandError(error);
  }
}

const asCommandError = (error: unknown): CommandError => (error instanceof CommandError ? error : new CommandError(`signalbox: ${(error as Error).message}`));

/** What the gateway would refuse at the first request is said at once, with what there is to choose from. */
function checkCaller({ callers, profiles }: Settings, { as, profile }: StdioOptions): void {
  const caller = callers.find(({ id }) => id === as);
  if (callers.length > 0 && caller === undefined) {
    const wrong = as === undefined ? 'This gateway has callers, so it must know for whom to act' : `No caller "${as}" is configured`;
    throw new CommandError(`${wrong}. Add "--as CALLER" with one of: ${idsOf(callers)}.`, EXIT.usage);
  }
  if (callers.length === 0 && as !== undefined && as !== 'local') {
    throw new CommandError(`No caller "${as}" is configured, nor any other. Leave "--as" out.`, EXIT.usage);
  }
  const open = profiles.filter(({ id }) => caller?.profiles?.includes(id) ?? true);
  if (profile === undefined && caller?.profiles !== undefined) {
    throw new CommandError(`The caller "${caller.id}" sees tools through a profile only. Add "--profile ID" with one of: ${idsOf(open)}.`, EXIT.usage);
  }
  if (profile !== undefined && !open.some(({ id }) => id === profile)) {
    throw new CommandError(`No profile "${profile}" is open${caller === undefined ? '' : ` to the caller "${caller.id}"`}. There is: ${idsOf(open)}.`, EXIT.usage);
  }
}

const idsOf = (named: readonly (CallerSettings | ProfileSettings)[]): string => (named.length === 0 ? 'none' : named.map(({ id }) => id).join(', '));

const startFailure = (gateways: Gateways): Promise<CommandError> =>
  new Promise((resolve) => {
    gateways.current().catch((error: unknown) => resolve(asCommandError(error)));
  });

/** A person reads stderr; a client shows what it is answered. */
async function untilTold(bridge: Bridge): Promise<'told'> {
  if (process.stdin.isTTY) return 'told';
  const end = Date.now() + ASKED_WITHIN_MS;
  while (bridge.answered === 0 && Date.now() < end) await delay(LOOK_EVERY_MS);
  await delay(ASKED_AGAIN_WITHIN_MS);
  return 'told';
}

function untilStopped(): Promise<'stopped'> {
  return new Promise((resolve) => {
    const stop = (): void => resolve('stopped');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  });
}
