/**
 * A gateway for a command to speak to: the one that runs on the data directory, or, where none does, one of the command's
 * own for as long as it takes. Either way over HTTP with the operator's token, so that there is one path.
 */
import { silentLog, type Log } from '../../core/log.ts';
import { createRedactor } from '../../policies/index.ts';
import { lockDataDir, type GatewayInfo } from '../../store/index.ts';
import { ACT_AS_HEADER, FACE_HEADER } from '../auth.ts';
import { openHall } from '../hall.ts';
import { createLog } from '../log.ts';
import { CommandError, EXIT } from './exit.ts';
import { readSetup, type CommonOptions, type Setup } from './setup.ts';

export interface GatewayAccess {
  readonly url: string;
  readonly setup: Setup;
  /** Whether it runs by itself, rather than for this command. */
  readonly isRunning: boolean;
  /** Headers that prove the operator, acting for a caller where one is named. */
  headers(as?: string): Record<string, string>;
  /** @throws CommandError with the gateway's words when it refuses */
  admin(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>;
}

export async function withGateway<T>(options: CommonOptions, use: (gateway: GatewayAccess) => Promise<T>): Promise<T> {
  const setup = readSetup(options);
  const lock = lockDataDir(setup.settings.data);
  if ('heldBy' in lock) {
    const info = await untilDescribed(setup.settings.data, lock.heldBy);
    return use(accessTo(info.url, info.adminToken, setup, true));
  }
  try {
    // Any free port: nobody else is meant to find it, and a running gateway's port stays free for it.
    const settings = { ...setup.settings, listen: { ...setup.settings.listen, host: '127.0.0.1', port: 0 } };
    const hall = await openHall({ ...setup, settings, lock, log: commandLog(setup) });
    try {
      return await use(accessTo(hall.url, lock.info.adminToken, setup, false));
    } finally {
      await hall.close(1000);
    }
  } finally {
    lock.release();
  }
}

/** A command's stderr is for its own words; the gateway in it speaks up only when something is wrong. */
function commandLog({ settings }: Setup): Log {
  if (settings.log.level === 'error') return silentLog;
  return createLog({ ...settings.log, level: 'error', redactText: createRedactor({ extraNames: settings.audit.redact }).redactText });
}

const DESCRIBED_WITHIN_MS = 10_000;

/** A gateway that is just starting holds the lock before it answers. */
async function untilDescribed(data: string, first: GatewayInfo | undefined): Promise<GatewayInfo & { url: string }> {
  const end = Date.now() + DESCRIBED_WITHIN_MS;
  let info = first;
  const { readGatewayInfo } = await import('../../store/index.ts');
  while (info?.url === undefined && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    info = readGatewayInfo(data);
  }
  if (info?.url === undefined) {
    throw new CommandError(`The data directory ${data} is in use by a process that does not say where it answers. Look for it with "ps", or use another "--data DIR".`, EXIT.held);
  }
  return { ...info, url: info.url };
}

function accessTo(url: string, token: string, setup: Setup, isRunning: boolean): GatewayAccess {
  const headers = (as?: string): Record<string, string> => ({
    authorization: `Bearer ${token}`,
    [FACE_HEADER]: 'cli',
    ...(as === undefined ? {} : { [ACT_AS_HEADER]: as }),
  });
  return {
    url,
    setup,
    isRunning,
    headers,
    async admin(method, path, body) {
      const response = await fetch(`${url}/admin${path}`, {
        method,
        headers: { ...headers(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = (await response.json()) as { error?: { message?: string }; message?: string };
      if (!response.ok) throw new CommandError(answer.error?.message ?? answer.message ?? `The gateway answered ${response.status}.`);
      return answer;
    },
  };
}
