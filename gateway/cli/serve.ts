/** `signalbox serve`: the gateway in the foreground, until it is told to stop. */
import type { Settings } from '../../core/settings.ts';
import type { Log } from '../../core/log.ts';
import { createKnownSecrets, createRedactor } from '../../policies/index.ts';
import type { DataDirLock } from '../../store/index.ts';
import { keepHeapSmall } from '../heap.ts';
import { createLog } from '../log.ts';
import { openHall, type Hall } from '../hall.ts';
import { tell } from './print.ts';
import { CommandError, EXIT, SAME_WISH_MS } from './exit.ts';
import { lockData, openingFault } from './faults.ts';
import { applyOptions, readSetup, type CommonOptions, type Setup } from './setup.ts';
import { welcome } from './welcome.ts';

export interface ServeOptions extends CommonOptions {
  readonly port?: number;
  readonly host?: string;
  /** Prints what to try next. */
  readonly welcome?: boolean;
  /** Ends when the last `signalbox stdio` that uses it has gone. */
  readonly ephemeral?: boolean;
}

/** What calls under way get after SIGTERM. */
const GRACE_MS = 10_000;
/** What is left of a gateway that could not start gets this long to say why. */
const LEFT_OVER_MS = 1000;

export async function serve(options: ServeOptions): Promise<void> {
  keepHeapSmall();
  const setup = withListenOptions(readSetup(options, (text) => tell(`warning: ${text}`)), options);
  const { settings } = setup;
  const lock = takeLock(settings.data, options.ephemeral === true);
  const known = createKnownSecrets();
  const log = createLog({ ...settings.log, redactText: createRedactor({ extraNames: settings.audit.redact, known }).redactText });
  let hall: Hall | undefined;
  let stoppingSince: number | undefined;

  const stop = (why: string): void => {
    // Asked twice, a person means it.
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_WISH_MS) process.exit(EXIT.failed);
      return;
    }
    stoppingSince = performance.now();
    log.info({ why }, 'stopping');
    const closed = hall?.close(GRACE_MS) ?? Promise.resolve();
    closed.catch((error: unknown) => log.error({ error: String(error) }, 'did not stop cleanly')).finally(() => {
      lock.release();
      process.exit(EXIT.ok);
    });
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('uncaughtException', (error) => log.error({ error: error.stack }, 'uncaught fault'));
  process.on('unhandledRejection', (error) => log.error({ error: error instanceof Error ? error.stack : String(error) }, 'unhandled fault'));

  sayHowOpen(settings, log);
  const watched: { reload: () => Reloaded } = { reload: () => ({ ok: false, message: 'The gateway is still starting.' }) };
  hall = await openHall({
    ...setup,
    known,
    log,
    lock,
    onReload: () => watched.reload(),
    ...(options.ephemeral === true ? { onDeserted: () => stop('nobody uses it any more') } : {}),
  }).catch((error: unknown) => {
    lock.release();
    // What was opened before it failed must not keep a process that answers nobody.
    setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
    throw openingFault(error, settings);
  });
  if (setup.path !== undefined) watched.reload = await watchFile(setup, options, hall, log);
  process.stdout.write(`listening on ${hall.url}\n`);
  if (options.welcome === true) process.stdout.write(welcome(hall.url, setup));
}

const withListenOptions = (setup: Setup, { host, port }: ServeOptions): Setup => ({
  ...setup,
  settings: {
    ...setup.settings,
    listen: { ...setup.settings.listen, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) },
  },
});

/** @param isOneOfSeveral several are started at once, and all but the first have nothing to say */
function takeLock(dir: string, isOneOfSeveral: boolean): DataDirLock {
  const lock = lockData(dir);
  if (!('heldBy' in lock)) return lock;
  if (isOneOfSeveral) process.exit(EXIT.held);
  const holder = lock.heldBy === undefined ? 'another process' : `process ${lock.heldBy.pid}${lock.heldBy.url === undefined ? '' : ` at ${lock.heldBy.url}`}`;
  throw new CommandError(
    `The data directory ${dir} is in use by ${holder}.\nStop that one, or give this one a directory of its own with "--data DIR".`,
    EXIT.held,
  );
}

function sayHowOpen({ rules, callers }: Settings, log: Log): void {
  if (rules.every(({ mode }) => mode === 'shadow')) log.warn({}, 'no rules: every tool is allowed to everybody who is let in');
  if (callers.length === 0) log.info({}, 'no callers: everybody on this machine is let in as "local"');
}

/** Reloads on change and on SIGHUP: valid in whole, or what is in force stays. */
async function watchFile(setup: Setup, options: ServeOptions, hall: Hall, log: Log): Promise<() => Reloaded> {
  const { watchConfig, formatProblems } = await import('../config/index.ts');
  const { checkExpression } = await import('../../policies/index.ts');
  const path = setup.path as string;
  const refuse = (message: string): Reloaded => {
    log.error({}, 'the new configuration is not taken on; the last good one stays in force');
    for (const line of message.split('\n')) log.error({}, line);
    hall.reloadRefused(message);
    return { ok: false, message };
  };
  const takeOn = (loaded: Settings): Reloaded => {
    const next = withListenOptions(applyOptions(loaded, path, options), options);
    if (next.settings.data !== setup.settings.data) return refuse('"data" cannot change while the gateway runs; restart it.');
    const { host, port } = hall.box().settings.listen;
    if (next.settings.listen.host !== host || next.settings.listen.port !== port) return refuse('"listen.host" and "listen.port" cannot change while the gateway runs; restart it.');
    try {
      hall.reload(next.settings, next.secrets);
    } catch (error) {
      return refuse((error as Error).message);
    }
    log.info({ config: next.settings.hash.slice(0, 12) }, 'configuration taken on');
    return { ok: true, message: 'The configuration was taken on.' };
  };
  let taken: Reloaded | undefined;
  const watch = watchConfig({
    path,
    checkExpression,
    currentHash: setup.settings.hash,
    onChange: (settings) => void (taken = takeOn(settings)),
    onMended: hall.reloadMended,
    onProblem: (problems) => void refuse(formatProblems(problems)),
  });
  const reload = (): Reloaded => {
    taken = undefined;
    const loaded = watch.reload();
    if (!loaded.ok) return { ok: false, message: formatProblems(loaded.problems) };
    // Asked for by name, even the same file is taken on anew: what its references lead to may have changed.
    return taken ?? takeOn(loaded.settings);
  };
  process.on('SIGHUP', reload);
  return reload;
}

interface Reloaded {
  readonly ok: boolean;
  readonly message: string;
}
