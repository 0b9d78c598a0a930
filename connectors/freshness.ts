/**
 * Keeps a connection's list of tools fresh: after `list_changed` (several at once make one refresh), and when the time
 * that the upstream gave it has passed. A refresh that fails leaves the old list standing.
 */
import { isDeepStrictEqual } from 'node:util';
import { own } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import type { Connection } from './connection.ts';
import { listenForChanges } from './listen.ts';
import { listTools, type ToolList } from './tool-list.ts';

export interface FreshnessOptions {
  readonly connection: Connection;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly log: Log;
  /** The tools are others now. */
  changed(): void;
  failed(error: unknown): void;
}

export interface Freshness {
  /** Soon, and once however often it is asked for meanwhile. */
  refreshSoon(): void;
  /** Now; shared by those who ask at the same time. Rejects where it fails. */
  refresh(): Promise<void>;
  stop(): void;
}

const DEBOUNCE_MS = 50;
/** A `ttlMs` is a hint for caches, not a polling interval: never more often than this, with jitter and backoff. */
const SHORTEST_TTL_MS = 5_000;
const LONGEST_TTL_MS = 24 * 60 * 60 * 1_000;

export function keepFresh(options: FreshnessOptions): Freshness {
  const { connection, log } = options;
  let running: Promise<void> | undefined;
  let again = false;
  let soon: NodeJS.Timeout | undefined;
  let lapse: NodeJS.Timeout | undefined;
  let failures = 0;
  let stopped = false;

  function planLapse(): void {
    clearTimeout(lapse);
    const { ttlMs } = connection.list;
    if (stopped || ttlMs === undefined || ttlMs === 0) return;
    const ms = Math.min(LONGEST_TTL_MS, Math.max(SHORTEST_TTL_MS, ttlMs) * 2 ** Math.min(failures, 6));
    lapse = setTimeout(refreshQuietly, ms * (1 + Math.random() / 10));
    lapse.unref();
  }

  async function run(): Promise<void> {
    try {
      const { link, dialect, nextId } = connection;
      const list = await listTools({ link, dialect, nextId, log, timeoutMs: options.timeoutMs, maxBytes: options.maxBytes });
      failures = 0;
      if (!stopped) adopt(list);
    } catch (error) {
      failures++;
      if (!stopped) options.failed(error);
      throw error;
    } finally {
      planLapse();
    }
  }

  function adopt(list: ToolList): void {
    const same = isDeepStrictEqual(list.tools, connection.list.tools);
    connection.list = same ? { ...list, tools: connection.list.tools } : list;
    if (!same) options.changed();
  }

  function refresh(): Promise<void> {
    running ??= run().finally(() => {
      running = undefined;
      if (again) refreshSoon();
      again = false;
    });
    return running;
  }

  function refreshQuietly(): void {
    refresh().catch(() => {}); // Told through `failed`.
  }

  function refreshSoon(): void {
    if (stopped) return;
    // A list under way may have been written before the change that is told now.
    if (running !== undefined) again = true;
    else
      soon ??= setTimeout(() => {
        soon = undefined;
        refreshQuietly();
      }, DEBOUNCE_MS);
  }

  const told = own(connection.dialect.capabilities, 'tools');
  const listens = connection.dialect.era === 'modern' && typeof told === 'object' && told !== null && !Array.isArray(told) && own(told, 'listChanged') === true;
  const stopListening = listens ? listenForChanges(connection, refreshSoon) : () => {};
  planLapse();

  return {
    refreshSoon,
    refresh,
    stop() {
      stopped = true;
      clearTimeout(soon);
      clearTimeout(lapse);
      stopListening();
    },
  };
}
