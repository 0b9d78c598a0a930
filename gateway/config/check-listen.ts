/** Where the gateway keeps its data, and where it may be reached from, and by whom: without callers, only from this machine. */
import { isIP, isIPv4 } from 'node:net';
import { isBlock, member, textOf, textsOf, type Block } from './checks.ts';
import { checkHome } from './check-servers.ts';
import type { Report } from './report.ts';

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export const isLoopbackHost = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));

export function checkListen(config: Block, report: Report): void {
  const data = textOf(config, 'data');
  if (data?.trim() === '') report.problem(['data'], 'value', 'expected the path of a folder, found an empty text');
  else if (data !== undefined) checkHome(data, ['data'], report);
  const listen = member(config, 'listen');
  if (!isBlock(listen)) return;
  const host = textOf(listen, 'host');
  if (host !== undefined) checkHost(host, config, report);
  for (const [index, origin] of textsOf(listen, 'allowedOrigins')) {
    const url = URL.parse(origin);
    if (url === null || url.origin !== origin) {
      report.problem(['listen', 'allowedOrigins', index], 'value', 'expected an origin: scheme, host and port only, in lower case', url === null || url.origin === 'null' ? 'For example "https://ide.example.com".' : `Write "${url.origin}".`);
    }
  }
  for (const [index, allowed] of textsOf(listen, 'allowedHosts')) {
    if (!/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?$/.test(allowed)) {
      report.problem(['listen', 'allowedHosts', index], 'value', 'expected a host name with or without a port', 'For example "tools.example.com" or "tools.example.com:7420".');
    }
  }
}

function checkHost(host: string, config: Block, report: Report): void {
  const path = ['listen', 'host'];
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 0 && !HOST_NAME.test(host)) {
    return report.problem(path, 'value', 'expected a host name or an IP address, found something else', 'The port goes into listen.port, and no scheme is written.');
  }
  const callers = member(config, 'callers');
  if (!isLoopbackHost(host) && !(Array.isArray(callers) && callers.length > 0)) {
    report.problem(path, 'value', 'this address can be reached from other machines, and no callers are configured: anyone could call every tool', 'Add "callers", or listen on 127.0.0.1.');
  }
}
