/**
 * The gateway of a data directory, whoever started it: the one that runs, or one started now; another when that one has
 * gone. Carries no message.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { readGatewayInfo, type GatewayInfo } from '../../store/index.ts';
import { FACE_HEADER } from '../auth.ts';
import { CommandError, EXIT } from '../cli/exit.ts';
import { reachable } from '../reachable.ts';
import { LOG_FILE, startDaemon, type Daemon, type DaemonOptions } from './daemon.ts';
import { takeLease, type Lease } from './lease.ts';

export interface Gateway {
  readonly pool: Pool;
  /** Prove the operator; names and values in turn. */
  readonly headers: readonly string[];
}

export interface GatewaysOptions extends DaemonOptions {
  /** One line for whoever looks for what went on. */
  readonly note: (text: string) => void;
}

export interface Gateways {
  /**
   * The gateway to use now; the same until it has gone. Starts one where none runs.
   * @throws CommandError with the reason why there is none
   */
  current(): Promise<Gateway>;
  /** It takes no requests any more; those under way there go on. */
  lost(gateway: Gateway): void;
  /** Lets go of it and breaks off what is under way. */
  close(): void;
}

const LOOK_EVERY_MS = 25;
/** From the first look to an answer: room for one that is stopping (10 s) and for a slow start. */
const FOUND_WITHIN_MS = 30_000;
/** After a lost race for the data directory; the winner, or one that is stopping, needs time. */
const START_AGAIN_AFTER_MS = 300;
/** How long another process that holds the directory, and has not said where it answers, keeps us from starting one. */
const COURTESY_MS = 3000;
/** A person who restarts a gateway of theirs finds the directory free for this long. */
const RETURN_WITHIN_MS = 5000;
/** A gateway that dies of a signal while it starts is started this often. */
const MAX_CRASHES = 3;

export function createGateways(options: GatewaysOptions): Gateways {
  const { dataDir } = options;
  let current: Promise<Gateway> | undefined;
  let held: { readonly gateway: Gateway; readonly lease: Lease } | undefined;
  /** Epoch milliseconds before which none is started, in case a person's gateway comes back. */
  let patientUntil = 0;
  let isClosed = false;

  async function find(): Promise<Gateway> {
    const startedAt = Date.now();
    let startFrom = patientUntil;
    let crashes = 0;
    let daemon: Daemon | undefined;
    for (;;) {
      if (isClosed) throw new CommandError('The bridge is closing.');
      const info = readInfo(dataDir);
      const gateway = await open(info);
      if (gateway !== undefined) return gateway;
      if (daemon?.ended !== undefined) {
        if (daemon.ended.code === null) crashes++;
        if (crashes >= MAX_CRASHES || isFailure(daemon.ended.code)) throw startFailed(daemon.ended, dataDir);
        daemon = undefined;
        startFrom = Date.now() + START_AGAIN_AFTER_MS;
      }
      const waited = Date.now() - startedAt;
      if (waited > FOUND_WITHIN_MS) throw noAnswer(dataDir, info);
      const anotherStarts = info !== undefined && info.url === undefined && waited < COURTESY_MS && isAlive(info.pid);
      if (daemon === undefined && !anotherStarts && Date.now() >= startFrom) daemon = start(options);
      await delay(LOOK_EVERY_MS);
    }
  }

  async function open(info: GatewayInfo | undefined): Promise<Gateway | undefined> {
    if (info?.url === undefined) return undefined;
    const origin = reachable(info.url);
    const headers = ['authorization', `Bearer ${info.adminToken}`, FACE_HEADER, 'stdio'];
    const lease = await takeLease(origin, headers);
    if (lease === undefined) return undefined;
    if (isClosed) return void lease.release();
    const gateway: Gateway = { headers, pool: new Pool(origin, { pipelining: 1, connect: { timeout: 10_000 } }) };
    held = { gateway, lease };
    options.note(`signalbox: gateway at ${origin} (process ${info.pid}), data directory ${dataDir}`);
    void lease.ended.then(() => lost(gateway));
    return gateway;
  }

  function lost(gateway: Gateway): void {
    if (held?.gateway !== gateway) return;
    const { lease } = held;
    held = undefined;
    current = undefined;
    if (!isClosed) options.note('signalbox: the gateway has gone');
    if (!lease.isEphemeral) patientUntil = Date.now() + RETURN_WITHIN_MS;
    lease.release();
    // What is under way may end; new connections there are none.
    gateway.pool.close().catch(() => {});
  }

  return {
    current: () =>
      (current ??= find().catch((error: unknown) => {
        current = undefined;
        throw error;
      })),
    lost,
    close() {
      isClosed = true;
      current = undefined;
      held?.lease.release();
      held?.gateway.pool.destroy().catch(() => {});
      held = undefined;
    },
  };
}

function readInfo(dataDir: string): GatewayInfo | undefined {
  try {
    return readGatewayInfo(dataDir);
  } catch (error) {
    throw new CommandError(`${dataDir}/gateway.json cannot be read: ${(error as Error).message}.\nRun this as the user whose gateway it is, or use another "--data DIR".`);
  }
}

function start(options: DaemonOptions): Daemon {
  try {
    return startDaemon(options);
  } catch (error) {
    throw new CommandError(`No gateway can be started on ${options.dataDir}: ${(error as Error).message}.`);
  }
}

/** Stopped while it started (0), or another was quicker (held): both are reasons to look again. */
const isFailure = (code: number | null): boolean => code !== null && code !== EXIT.ok && code !== EXIT.held;

function startFailed({ code, words }: NonNullable<Daemon['ended']>, dataDir: string): CommandError {
  const said = words === '' ? '' : `\n${words}`;
  return new CommandError(
    `The gateway did not start (${code === null ? 'killed by a signal' : `exit code ${code}`}).${said}\nIts log: ${dataDir}/${LOG_FILE}`,
    code === EXIT.usage ? EXIT.usage : EXIT.failed,
  );
}

function noAnswer(dataDir: string, info: GatewayInfo | undefined): CommandError {
  const holder = info === undefined ? 'no process describes itself there' : `process ${info.pid} holds it`;
  return new CommandError(
    `No gateway answers for ${dataDir} after ${FOUND_WITHIN_MS / 1000} s (${holder}).\nStop that process, or use another "--data DIR". Log: ${dataDir}/${LOG_FILE}`,
    EXIT.held,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
