/**
 * Retention for as long as the process lives: what a stop interrupted is finished first, then a purge comes once a day.
 * Nothing here is on a call's path but the payload writer, and that only with `payloads: full`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import type { KnownSecrets } from '../../policies/index.ts';
import { mayCover, openTenantKeys, readRetention, TENANT_KEYS_FILE, type BegunPurge, type GatewaySecret, type PurgeableLedger, type TenantKeys } from '../../store/index.ts';
import { createRetentionDesk, RetentionRefused, type RetentionDesk } from './desk.ts';
import { createPayloadWriter, type PayloadWriter } from './payloads.ts';
import { planOf, purge, type Purged, type PurgeParts } from './purge.ts';

export interface RetentionKeeper {
  readonly desk: RetentionDesk;
  readonly payloads: PayloadWriter;
  /** To be called now and then. The first time, and then daily: finishes what was interrupted, and purges, in the background. */
  beat(): void;
  /** Before the ledger closes: ends a purge that is under way, which the next start goes on with. */
  close(): Promise<void>;
}

export interface RetentionKeeperParts {
  readonly dataDir: string;
  readonly ledger: PurgeableLedger;
  readonly secret: GatewaySecret;
  readonly known: KnownSecrets;
  readonly log: Log;
  readonly settings: () => Settings;
  readonly now?: () => number;
  /** For a process that may go again at once. */
  readonly firstAfterMs?: number;
  /** In another process, or where nothing else goes on: it may take a while. */
  readonly updateIndex: () => Promise<unknown>;
}

const DAY_MS = 86_400_000;
const RETRY_MS = 600_000;

export function createRetentionKeeper({ dataDir, ledger, secret, known, log, settings, now = Date.now, firstAfterMs = 0, updateIndex }: RetentionKeeperParts): RetentionKeeper {
  let opened: TenantKeys | undefined;
  const keys = (): TenantKeys => (opened ??= openTenantKeys(dataDir, secret.derive('tenant-keys')));
  const ending = new AbortController();
  const parts: PurgeParts = { dataDir, ledger, log, now, configHash: () => settings().hash, updateIndex, signal: ending.signal };
  let dueMs = now() + firstAfterMs;
  let work: Promise<unknown> = Promise.resolve();

  const next = <T>(step: () => Promise<T>): Promise<T> => {
    const done = work.then(() => {
      ending.signal.throwIfAborted();
      return step();
    });
    work = done.catch(() => {});
    return done;
  };

  async function run(begun: BegunPurge): Promise<Purged> {
    const purged = await purge(parts, begun);
    if (!purged.isComplete) dueMs = Math.min(dueMs, now() + RETRY_MS);
    return purged;
  }

  /** As configured, or undefined where records are kept for ever. */
  function configured(): BegunPurge | undefined {
    const { retention } = settings().audit;
    return retention === undefined ? undefined : { beforeMs: now() - retention.keepMs, reason: `retention: keep ${retention.keepMs / DAY_MS}d`, by: 'gateway' };
  }

  async function asked(beforeMs: number | undefined, reason: string | undefined, by: string, dryRun: boolean): Promise<Purged> {
    const terms = beforeMs === undefined ? configured() : { beforeMs, reason: reason ?? 'by command', by };
    if (terms === undefined) throw new RetentionRefused('Records are kept for ever: neither "audit.retention.keep" is configured nor a date was given. Nothing was purged.');
    if (!dryRun) {
      const before = await resume();
      const purged = await run({ ...terms, by, ...(reason === undefined ? {} : { reason }) });
      return { ...purged, records: before + purged.records };
    }
    const { plan, beforeMs: before } = await planOf(parts, terms);
    return { records: plan.count, held: plan.held, beforeMs: before, isComplete: true };
  }

  /** Returns how many records a purge that was interrupted has taken now. */
  async function resume(): Promise<number> {
    if (existsSync(join(dataDir, TENANT_KEYS_FILE))) for (const tenant of keys().condemned()) await eraseAgain(tenant);
    const { purge: begun } = await readRetention(dataDir);
    return begun === undefined ? 0 : await told(begun);
  }

  /** It is not known whether the record was written, so it is once more. A hold that came meanwhile keeps the keys. */
  async function eraseAgain(tenant: string): Promise<void> {
    if ((await readRetention(dataDir)).holds.some((hold) => mayCover(hold, tenant))) return;
    await ledger.write({ kind: 'erase', time: now(), tenant, keys: keys().condemn(tenant), by: 'gateway', reason: 'it was asked for, and a stop or a fault came in between' });
    keys().destroy(tenant, now());
  }

  async function told(begun: BegunPurge): Promise<number> {
    const { records, held } = await run(begun);
    if (records > 0) log.info({ records, held, before: new Date(begun.beforeMs).toISOString() }, 'old records were purged');
    return records;
  }

  async function daily(): Promise<void> {
    dueMs = now() + DAY_MS;
    try {
      await resume();
      const terms = configured();
      if (terms !== undefined) await told(terms);
    } catch (error) {
      if (ending.signal.aborted) return;
      dueMs = now() + RETRY_MS;
      log.error({ error: (error as Error).message }, 'old records could not be purged; it is tried again');
    }
  }

  return {
    desk: createRetentionDesk({ dataDir, ledger, keys, now, next, purge: asked }),
    payloads: createPayloadWriter({ keys, known, log }),
    beat() {
      if (now() >= dueMs) void next(daily).catch(() => {});
    },
    async close() {
      ending.abort();
      await work;
      opened?.close();
    },
  };
}
