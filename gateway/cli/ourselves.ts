/** Entries of IDEs that lead to this gateway: to be found by `doctor`, and never to be put behind the gateway itself. */
import { basename } from 'node:path';
import type { ServerEntry } from '../clients/index.ts';
import { isLoopbackHost } from '../config/index.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function leadsToUs({ url, command, args = [] }: ServerEntry, { host, port }: Address): boolean {
  if (command !== undefined) return isOurBinary(command, args);
  const address = url === undefined ? null : URL.parse(url);
  if (address === null || Number(address.port || 80) !== port || !/^\/mcp(?:\/|$)/.test(address.pathname)) return false;
  return address.hostname === host || (isLoopbackHost(address.hostname) && (isLoopbackHost(host) || host === '0.0.0.0' || host === '::'));
}

/** `signalbox stdio`, started directly, by a Node.js, or by npx. */
function isOurBinary(command: string, args: readonly string[]): boolean {
  const at = [command, ...args].findIndex((word) => basename(word) === 'signalbox');
  return at !== -1 && [command, ...args][at + 1] === 'stdio';
}
