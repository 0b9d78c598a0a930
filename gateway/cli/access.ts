/**
 * A gateway for a command to speak to: the one that runs on the data directory, or, where none does, one of the command's
 * own for as long as it takes. Either way over HTTP with the operator's token, so that there is one path.
 */
import { parseLossless } from '../../core/json.ts';
import { readGatewayInfo, type DataDirLock, type GatewayInfo } from '../../store/index.ts';
import { ACT_AS_HEADER, FACE_HEADER } from '../auth.ts';
import { reachable } from '../reachable.ts';
import { takeLease, type Lease } from '../stdio/lease.ts';
import { CommandError, EXIT, exitCodeOf, SAME_WISH_MS } from './exit.ts';
import { lockData } from './faults.ts';
import { readSetup, type CommonOptions, type Setup } from './setup.ts';

/** The operator's way to a gateway that answers. */
export interface Operator {
  readonly url: string;
  /** Headers that prove the operator, acting for a caller where one is named. */
  headers(as?: string): Record<string, string>;
  /** @throws CommandError with the gateway's words when it refuses, or does not answer */
  admin(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>;
}

export interface GatewayAccess extends Operator {
  readonly setup: Setup;
  /** Whether it runs by itself, rather than for this command. */
  readonly isRunning: boolean;
  /** Aborted when the command is told to end. */
  readonly signal: AbortSignal;
}

export interface RunningGateway extends Operator {
  readonly info: GatewayInfo;
}

/** Longer than a gateway that is stopping holds the directory. */
const REACHED_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 50;
/** For what an interrupted command leaves under way, and for the calls of an IDE that found this gateway. */
const CLOSING_GRACE_MS = 1000;

export async function withGateway<T>(options: CommonOptions, use: (gateway: GatewayAccess) => Promise<T>): Promise<T> {
  const setup = readSetup(options);
  const { data } = setup.settings;
  return interruptible(async (signal) => {
    const end = Date.now() + REACHED_WITHIN_MS;
    for (;;) {
      const lock = lockData(data);
      if (!('heldBy' in lock)) return withOwn(setup, lock, signal, use);
      const { info, lease } = await contact(lock.heldBy);
      if (lease !== undefined) return await use({ ...operatorOf(info), setup, isRunning: true, signal }).finally(() => lease.release());
      // One that is just starting has not said where it answers; one that is just leaving lets go of the directory.
      if (Date.now() > end || signal.aborted) throw silentHolder(data, info);
      await pause();
    }
  });
}

/** With the gateway that runs on a data directory, if one does. Starts none and makes no directory. */
export async function withRunning<T>(data: string, use: (gateway: RunningGateway | undefined) => Promise<T>): Promise<T> {
  const end = Date.now() + REACHED_WITHIN_MS;
  // What was left by one that was killed says that it runs; the lock says that it does not.
  while (described(data) !== undefined) {
    const lock = lockData(data);
    if (!('heldBy' in lock)) {
      lock.release();
      break;
    }
    const { info, lease } = await contact(lock.heldBy);
    if (lease !== undefined) return await use({ ...operatorOf(info), info }).finally(() => lease.release());
    if (Date.now() > end) throw silentHolder(data, info);
    await pause();
  }
  return use(undefined);
}

function described(data: string): GatewayInfo | undefined {
  try {
    return readGatewayInfo(data);
  } catch (error) {
    throw new CommandError(`What runs on the data directory ${data} cannot be read: ${(error as Error).message}.`);
  }
}

async function withOwn<T>(setup: Setup, lock: DataDirLock, signal: AbortSignal, use: (gateway: GatewayAccess) => Promise<T>): Promise<T> {
  try {
    const { openOwn } = await import('./own-gateway.ts');
    const hall = await openOwn(setup, lock);
    try {
      return await use({ ...operatorOf({ ...lock.info, url: hall.url }), setup, isRunning: false, signal });
    } finally {
      // Another command may have found this gateway and be at work in it.
      while (!signal.aborted && !hall.tryLeave()) await pause();
      await hall.close(CLOSING_GRACE_MS);
    }
  } finally {
    lock.release();
  }
}

/** Told to end, the work is aborted and cleaned up after; told twice, the process ends at once. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  let since = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (received !== undefined && performance.now() - since > SAME_WISH_MS) process.exit(exitCodeOf(signal));
    if (received !== undefined) return;
    received = signal;
    since = performance.now();
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw received === undefined ? error : new CommandError('Interrupted.', exitCodeOf(received));
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

type Described = GatewayInfo & { readonly url: string };
type Contact = { readonly info: Described; readonly lease: Lease } | { readonly info: GatewayInfo | undefined; readonly lease?: never };

/** As long as the lease is held, a gateway that goes with its last user stays. */
async function contact(info: GatewayInfo | undefined): Promise<Contact> {
  if (info?.url === undefined) return { info };
  const url = reachable(info.url);
  const lease = await takeLease(url, Object.entries(operatorHeaders(info.adminToken)).flat());
  return lease === undefined ? { info } : { info: { ...info, url }, lease };
}

function silentHolder(data: string, info: GatewayInfo | undefined): CommandError {
  const holder = info === undefined ? 'a process that does not describe itself' : `process ${info.pid}${info.url === undefined ? '' : ` at ${info.url}`}`;
  return new CommandError(`The data directory ${data} is in use by ${holder}, which does not answer.\nEnd that process, or use another directory with "--data DIR".`, EXIT.held);
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

const operatorHeaders = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}`, [FACE_HEADER]: 'cli' });

function operatorOf({ url, adminToken }: Described): Operator {
  const headers = (as?: string): Record<string, string> => ({ ...operatorHeaders(adminToken), ...(as === undefined ? {} : { [ACT_AS_HEADER]: as }) });
  return { url, headers, admin: (method, path, body) => admin(`${url}/admin${path}`, headers(), method, body) };
}

async function admin(url: string, headers: Record<string, string>, method: string, body: object | undefined): Promise<unknown> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await reach(url, { method, headers: { ...headers, ...type }, ...json });
  const answer = asJson(await response.text());
  if (response.ok && answer !== undefined) return answer;
  throw new CommandError(answer?.error?.message ?? answer?.message ?? `The gateway answered ${response.status}.`, response.status === 403 ? EXIT.refused : EXIT.failed);
}

/** `fetch`, where nothing but the gateway's going away is expected to go wrong. */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new CommandError('The gateway went away before it answered.');
  }
}

function asJson(text: string): { error?: { message?: string }; message?: string } | undefined {
  try {
    return parseLossless(text) as object;
  } catch {
    return undefined;
  }
}

/** Waits until each server has connected or failed once: before that, a tool that is not there may still come. */
export async function untilReady({ url, signal }: GatewayAccess): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const response = await reach(`${url}/readyz`, { signal });
    await response.arrayBuffer();
    if (response.ok) return;
    await pause();
  }
}
