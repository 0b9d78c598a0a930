/**
 * Host and Origin: a web page, or a name that an attacker rebinds to this machine, must not reach the gateway. Checked
 * on every route before anything else (CVE-2025-49596, CVE-2025-64443, CVE-2025-66414).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ListenSettings, Settings } from '../../core/settings.ts';

export type Guarded =
  | { readonly type: 'pass'; /** An origin that gets CORS headers. */ readonly crossOrigin?: string }
  | { readonly type: 'refused'; readonly message: string };

const PASS: Guarded = { type: 'pass' };
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

export class WideOpen extends Error {
  override readonly name = 'WideOpen';
}

/**
 * Without callers whoever reaches the gateway is let in, so that only this machine may reach it, however the host was chosen.
 * @throws WideOpen
 */
export function requireCallersBeyondLoopback({ listen, callers }: Pick<Settings, 'listen' | 'callers'>): void {
  if (callers.length > 0 || isLoopbackHost(listen.host)) return;
  throw new WideOpen(`${listen.host} can be reached from other machines, and no callers are configured: anyone could call every tool`);
}

export function createGuard(listen: ListenSettings): (headers: IncomingHttpHeaders) => Guarded {
  const hosts = new Set([...LOOPBACK_NAMES, listen.host.toLowerCase(), ...listen.allowedHosts.map((host) => host.toLowerCase())]);
  const origins = new Set(listen.allowedOrigins.map((origin) => origin.toLowerCase()));
  const wide = !isLoopbackHost(listen.host);
  // A rebound name is a name: bare addresses cannot be rebound, so a gateway that listens wider accepts them.
  const isAllowedHost = (name: string): boolean => hosts.has(name) || (wide && isIP(name.replace(/^\[|\]$/g, '')) !== 0);

  /** The Host header that was let in last: nearly always that of the next request too. */
  let lastHost: string | undefined;

  return (headers) => {
    const host = headers.host?.toLowerCase();
    if (host === undefined || host !== lastHost) {
      const name = host === undefined ? undefined : hostName(host);
      if (name === undefined || !(isAllowedHost(name) || hosts.has(host as string))) {
        return { type: 'refused', message: 'The Host header does not name this gateway.' };
      }
      lastHost = host;
    }
    const origin = headers.origin?.toLowerCase();
    if (origin === undefined) return PASS;
    if (origins.has(origin)) return { type: 'pass', crossOrigin: headers.origin as string };
    if (origin === `http://${host}` || origin === `https://${host}`) return { type: 'pass' };
    return { type: 'refused', message: 'The Origin header names a page that may not use this gateway.' };
  };
}

/** The name or address in a Host header without its port; undefined where it is no Host header. */
const hostName = (host: string): string | undefined => /^(\[[\da-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/.exec(host)?.[1];
