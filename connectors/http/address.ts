/**
 * Which addresses may be dialled. Operators may name loopback and private hosts; link-local and cloud metadata
 * addresses are refused whatever name leads there. The check sits in the lookup of the connection itself, so the
 * address that was judged is the address that is dialled, however DNS answers next time.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const forbidden = (): BlockList => {
  const list = new BlockList();
  list.addSubnet('169.254.0.0', 16, 'ipv4'); // RFC 3927; cloud metadata services live here
  list.addSubnet('fe80::', 10, 'ipv6'); // RFC 4291
  list.addAddress('fd00:ec2::254', 'ipv6'); // AWS metadata over IPv6
  list.addAddress('100.100.100.200', 'ipv4'); // Alibaba Cloud metadata
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::', 'ipv6');
  return list;
};

export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
  readonly code = 'FORBIDDEN_ADDRESS';
}

export interface AddressGuard {
  /** @throws ForbiddenAddress where the host is itself such an address */
  checkHost(host: string): void;
  readonly lookup: LookupFunction;
}

export function createAddressGuard(resolve: typeof systemLookup = systemLookup): AddressGuard {
  const list = forbidden();

  const refused = (address: string): boolean => {
    const family = isIP(address);
    if (family === 4) return list.check(address, 'ipv4');
    // BlockList judges ::ffff:a.b.c.d by its IPv4 rules as well.
    return family !== 6 || list.check(address, 'ipv6');
  };

  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const addresses = found as LookupAddress[];
      const allowed = addresses.filter(({ address }) => !refused(address));
      const first = allowed[0];
      if (first === undefined) return callback(new ForbiddenAddress('the host resolves to a link-local or metadata address'), '', 0);
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };

  return {
    lookup,
    checkHost(host) {
      const bare = host.startsWith('[') ? host.slice(1, -1) : host;
      if (isIP(bare) !== 0 && refused(bare)) throw new ForbiddenAddress('link-local and metadata addresses are not dialled');
    },
  };
}

/** @throws Error in words where the URL is none that an upstream may have */
export function upstreamUrl(text: string, guard: AddressGuard): URL {
  if (!URL.canParse(text)) throw new Error('its url is not valid; write it as http://HOST:PORT/PATH');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`its url begins with "${url.protocol}"; only http: and https: are supported`);
  if (url.username !== '' || url.password !== '')
    throw new Error('its url holds a user name or password; put credentials into "headers" instead');
  guard.checkHost(url.hostname);
  return url;
}
