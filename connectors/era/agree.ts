/**
 * Finds out which era a server belongs to and agrees on a version: `server/discover` first, `initialize` where that is
 * answered by anything but a modern answer, or not at all (MCP 2026-07-28, basic/versioning, Backward Compatibility).
 */
import { ask } from '../ask.ts';
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Answer, Broken, Link } from '../link.ts';
import { notificationText } from '../wire/jsonrpc.ts';
import type { Dialect } from './dialect.ts';
import { initializeText, LEGACY_VERSIONS, legacyDialect } from './legacy.ts';
import { MODERN_VERSIONS, modernDialect, modernRequest, SERVER_INFO } from './modern.ts';

export interface AgreeOptions {
  readonly link: Link;
  readonly nextId: () => number;
  readonly clientInfo: JsonObject;
  readonly timeoutMs: number;
  /** How long a probe may stay unanswered before `initialize` is tried as well. */
  readonly silentProbeMs: number;
  readonly maxBytes: number;
  /** The era found before: a legacy server is not probed again. */
  readonly remembered: 'modern' | 'legacy' | undefined;
}

/** No agreement. `status`: what HTTP said of `initialize`, where it said something without a JSON-RPC answer. */
export class NoAgreement extends Error {
  override readonly name = 'NoAgreement';
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

type Verdict =
  | { readonly type: 'modern'; readonly versions: readonly string[]; readonly result: JsonObject | undefined }
  | { readonly type: 'legacy' }
  | { readonly type: 'failed'; readonly message: string };

/** @throws NoAgreement */
export async function agree(options: AgreeOptions): Promise<Dialect> {
  if (options.remembered === 'legacy') return initialize(options);
  // The old transport came with the old era, and its servers know nothing newer.
  if (options.link.transport === 'sse') return initialize(options);
  return options.link.transport === 'stdio' ? probeStdio(options) : conclude(options, judge(await discover(options, options.silentProbeMs)));
}

/**
 * A child that is still starting and one that will never answer a probe look the same. After a while both questions
 * stand: an answer to `initialize` settles it, and only a server that refuses that is taken by its late `discover`.
 */
async function probeStdio(options: AgreeOptions): Promise<Dialect> {
  const probe = discover(options, options.timeoutMs);
  const early = await Promise.race([probe, pause(options.silentProbeMs)]);
  if (early !== undefined) return conclude(options, judge(early));
  const opening = initialize(options).then(
    (dialect) => ({ dialect }),
    (error: unknown) => ({ error }),
  );
  const lateModern = probe.then((answer) => (judge(answer).type === 'modern' ? pause(1_000) : opening));
  const opened = await Promise.race([opening, lateModern]);
  if (opened !== undefined && 'dialect' in opened) return opened.dialect;
  const verdict = judge(await probe);
  if (verdict.type === 'modern') return conclude(options, verdict);
  throw opened === undefined ? new NoAgreement('it answers neither "server/discover" nor "initialize"') : opened.error;
}

function conclude(options: AgreeOptions, verdict: Verdict): Promise<Dialect> | Dialect {
  switch (verdict.type) {
    case 'failed':
      throw new NoAgreement(verdict.message);
    case 'legacy':
      return initialize(options);
    case 'modern': {
      const version = MODERN_VERSIONS.find((known) => verdict.versions.includes(known));
      if (version !== undefined) return becomeModern(options, version, verdict.result);
      if (LEGACY_VERSIONS.some((known) => verdict.versions.includes(known))) return initialize(options);
      throw new NoAgreement(`it speaks only protocol versions that the gateway does not: ${verdict.versions.slice(0, 8).join(', ')}`);
    }
  }
}

function becomeModern({ link, clientInfo }: AgreeOptions, version: string, result: JsonObject | undefined): Dialect {
  const meta = own(result, '_meta');
  const serverInfo = isJsonObject(meta) ? own(meta, SERVER_INFO) : undefined;
  const dialect = modernDialect({
    version,
    clientInfo,
    serverInfo: isJsonObject(serverInfo) ? serverInfo : undefined,
    capabilities: objectIn(result, 'capabilities'),
    overHttp: link.transport === 'http',
  });
  link.agree(dialect);
  return dialect;
}

const discover = ({ link, nextId, clientInfo, maxBytes }: AgreeOptions, timeoutMs: number): Promise<Answer> =>
  ask(link, nextId, {
    method: 'server/discover',
    timeoutMs,
    maxBytes,
    write: (id) => modernRequest(id, 'server/discover', {}, { version: MODERN_VERSIONS[0] as string, clientInfo, overHttp: link.transport === 'http' }),
  });

/** What the answer to a probe says of the server's era. Only what is recognised as modern counts as modern. */
export function judge(answer: Answer): Verdict {
  switch (answer.type) {
    case 'result': {
      const versions = stringsIn(own(answer.result, 'supportedVersions'));
      return versions === undefined ? { type: 'legacy' } : { type: 'modern', versions, result: answer.result };
    }
    case 'error': {
      const supported = isJsonObject(answer.error.data) ? stringsIn(own(answer.error.data, 'supported')) : undefined;
      if (answer.error.code === -32022 && supported !== undefined) return { type: 'modern', versions: supported, result: undefined };
      if (answer.error.code === -32020 || answer.error.code === -32021)
        return { type: 'failed', message: `it refused the gateway's "server/discover" (${answer.error.code})` };
      return { type: 'legacy' };
    }
    case 'broken':
      return fatal(answer) ? { type: 'failed', message: answer.message } : { type: 'legacy' };
  }
}

/** Trying `initialize` cannot help: nobody is there, or nobody lets us in. */
function fatal({ unreachable, status, reason, executed }: Broken): boolean {
  if (unreachable === true || (reason === 'unavailable' && status === undefined && executed === 'no')) return true;
  if (status === undefined) return reason === 'too-large';
  return status === 401 || status === 403 || status === 429 || status === 502 || status === 503 || status === 504 || (status >= 300 && status < 400);
}

async function initialize(options: AgreeOptions): Promise<Dialect> {
  const { link, nextId, clientInfo, timeoutMs, maxBytes } = options;
  const answer = await ask(link, nextId, { method: 'initialize', timeoutMs, maxBytes, write: (id) => ({ text: initializeText(id, clientInfo) }) });
  if (answer.type === 'broken') throw new NoAgreement(answer.message, answer.status);
  if (answer.type === 'error') throw new NoAgreement(`it refused "initialize" with error ${answer.error.code}: ${answer.error.message.slice(0, 200)}`, answer.status);
  const version = own(answer.result, 'protocolVersion');
  if (typeof version !== 'string' || !LEGACY_VERSIONS.includes(version))
    throw new NoAgreement(`it speaks protocol version ${JSON.stringify(version ?? null).slice(0, 40)}, which the gateway does not`);
  const serverInfo = own(answer.result, 'serverInfo');
  const dialect = legacyDialect({
    version,
    serverInfo: isJsonObject(serverInfo) ? serverInfo : undefined,
    capabilities: objectIn(answer.result, 'capabilities'),
  });
  link.agree(dialect);
  // Awaited: servers refuse requests that overtake it (MCP 2025-11-25, basic/lifecycle).
  await new Promise<void>((resolve) => link.post(notificationText('notifications/initialized'), resolve));
  return dialect;
}

function objectIn(object: JsonObject | undefined, key: string): JsonObject {
  const value = own(object, key);
  return isJsonObject(value) ? value : {};
}

const stringsIn = (value: JsonValue | undefined): string[] | undefined =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;

const pause = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
