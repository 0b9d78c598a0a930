/** The words of the Model Context Protocol that this gateway speaks as a server, both eras. */
import type { JsonObject } from '../../core/json.ts';
import { VERSION } from '../version.ts';

/** 2026-07-28: stateless; version and capabilities ride in every request's `_meta`. */
export const MODERN_VERSIONS = ['2026-07-28'] as const;
/** `initialize` and sessions; newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const LATEST_LEGACY = LEGACY_VERSIONS[0];
/** What a request without the header is taken for (2025-11-25, basic/transports, Protocol Version Header). */
export const ASSUMED_VERSION = '2025-03-26';

export const isModernVersion = (version: string): boolean => (MODERN_VERSIONS as readonly string[]).includes(version);
export const isLegacyVersion = (version: string): boolean => (LEGACY_VERSIONS as readonly string[]).includes(version);
/** Versions are dates, so that a later one is greater; tells an unknown modern version from an unknown old one. */
export const claimsModernEra = (version: string): boolean => version >= MODERN_VERSIONS[0];

export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
  /** Ours: what an error that a tool result carries is about. */
  error: 'dev.signalbox/error',
} as const;

/** Prefix of `_meta` keys that the protocol reserves for the hop between two peers. */
export const HOP_PREFIX = 'io.modelcontextprotocol/';

export const SERVER_INFO: JsonObject = { name: 'signalbox', title: 'Signalbox', version: VERSION };

export type Era = 'legacy' | 'modern';
export type RequestId = string | number;
