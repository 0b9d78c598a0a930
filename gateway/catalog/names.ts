/**
 * Public names: legal for every model provider, unique, and a function of server id and tool name alone, so that adding
 * a server never renames a tool.
 */
import { sha256Hex } from '../../core/json.ts';

/** The strictest of the model providers' rules: 64 characters of `[A-Za-z0-9_-]`. */
export const MAX_NAME_LENGTH = 64;
const ILLEGAL = /[^A-Za-z0-9_-]/g;
const HASH_LENGTH = 10;

/**
 * `server__tool`. A name that had to be changed to be legal ends in a hash of the original, so that two originals never
 * share one: server ids hold no `__` and end in no `_`, which makes the plain form unambiguous.
 */
export const prefixedName = (server: string, tool: string): string => legalName(`${server}__${tool}`, `${server}/${tool}`);

/** The tool's own name, made legal in the same way. */
export const plainName = (server: string, tool: string): string => legalName(tool, `${server}/${tool}`);

function legalName(wanted: string, identity: string): string {
  const legal = wanted.replace(ILLEGAL, '_');
  if (legal === wanted && wanted.length <= MAX_NAME_LENGTH && !endsInHash(wanted)) return wanted;
  const hash = sha256Hex(identity).slice(0, HASH_LENGTH);
  return `${legal.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 2)}_h${hash}`;
}

/** A tool that is named as if it were shortened gets a hash of its own, so that no upstream can take another's name. */
const endsInHash = (name: string): boolean => /_h[0-9a-f]{10}$/.test(name);
