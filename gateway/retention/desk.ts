/**
 * What the operator does about retention: purges, holds, tenants' keys, a look into a payload. Every action is in the
 * ledger, durably, before what it speaks of is done. It asks nobody who they are: its users have.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { isJsonObject, own } from '../../core/json.ts';
import { createLedgerReader, listTenantKeys, mayCover, openPayload, readRetention, writeRetention, type Hold, type PurgeableLedger, type SealedPayload, type TenantKey, type TenantKeys } from '../../store/index.ts';
import type { Purged } from './purge.ts';

/** An action that is not taken, in words. */
export class RetentionRefused extends Error {
  override readonly name = 'RetentionRefused';
}

export interface ShownPayload {
  readonly seq: number;
  readonly kind: string;
  readonly call: string;
  readonly tenant?: string;
  /** `none`: the record has none. `lost`: it could not be encrypted then. */
  readonly state: 'open' | 'erased' | 'none' | 'lost';
  readonly text?: string;
  /** Bytes of the whole, where only its beginning is kept. */
  readonly of?: number;
}

export interface RetentionDesk {
  tenants(): TenantKey[];
  rotate(tenant: string, by: string): Promise<TenantKey>;
  /** @throws RetentionRefused under a hold, or where the tenant has no keys */
  erase(tenant: string, by: string): Promise<{ readonly tenant: string; readonly keys: readonly string[] }>;
  holds(): Promise<readonly Hold[]>;
  hold(terms: Pick<Hold, 'tenant' | 'caller' | 'fromMs' | 'toMs' | 'reason'>, by: string): Promise<Hold>;
  /** @throws RetentionRefused where there is none of this id */
  release(id: string, reason: string, by: string): Promise<Hold>;
  purge(beforeMs: number | undefined, reason: string | undefined, by: string, dryRun: boolean): Promise<Purged>;
  /** What a record's payload says; that it was looked at is recorded. @throws RetentionRefused where there is no such record */
  payload(seq: number, by: string): Promise<ShownPayload>;
}

export interface RetentionDeskParts {
  readonly dataDir: string;
  readonly ledger: PurgeableLedger;
  readonly keys: () => TenantKeys;
  readonly now: () => number;
  /** One after the other, whatever asks. */
  readonly next: <T>(work: () => Promise<T>) => Promise<T>;
  readonly purge: (beforeMs: number | undefined, reason: string | undefined, by: string, dryRun: boolean) => Promise<Purged>;
}

export function createRetentionDesk({ dataDir, ledger, keys, now, next, purge }: RetentionDeskParts): RetentionDesk {
  async function erase(tenant: string, by: string): Promise<{ tenant: string; keys: string[] }> {
    const covering = (await readRetention(dataDir)).holds.filter((hold) => mayCover(hold, tenant));
    if (covering.length > 0) throw new RetentionRefused(`The keys of tenant "${tenant}" stay: ${covering.map(inWords).join('; ')}. Release it first, or nothing is erased.`);
    const condemned = keys().condemn(tenant);
    if (condemned.length === 0) throw new RetentionRefused(`Tenant "${tenant}" has no keys, so there is nothing to erase.`);
    await ledger.write({ kind: 'erase', time: now(), tenant, keys: condemned, by });
    keys().destroy(tenant, now());
    return { tenant, keys: condemned };
  }

  async function hold(terms: Pick<Hold, 'tenant' | 'caller' | 'fromMs' | 'toMs' | 'reason'>, by: string): Promise<Hold> {
    const made: Hold = { id: `hold_${randomBytes(4).toString('hex')}`, ...terms, by, at: now() };
    const before = await readRetention(dataDir);
    // It protects before it is recorded, and is taken back where it cannot be.
    writeRetention(dataDir, { ...before, holds: [...before.holds, made] });
    await ledger.write(holdRecord('add', made, made.reason, by, made.at)).catch((error: unknown) => {
      writeRetention(dataDir, before);
      throw error;
    });
    return made;
  }

  async function release(id: string, reason: string, by: string): Promise<Hold> {
    const state = await readRetention(dataDir);
    const found = state.holds.find((one) => one.id === id);
    if (found === undefined) throw new RetentionRefused(`There is no hold "${id.slice(0, 64)}". "signalbox retention hold list" shows them.`);
    await ledger.write(holdRecord('release', found, reason, by, now()));
    writeRetention(dataDir, { ...state, holds: state.holds.filter((one) => one !== found) });
    return found;
  }

  async function payload(seq: number, by: string): Promise<ShownPayload> {
    const record = recordAt(dataDir, seq);
    const sealed = own(record, 'payload');
    const [kind, call] = [String(own(record, 'kind')), String(own(record, 'call') ?? '')];
    if (!isJsonObject(sealed)) return { seq, kind, call, state: 'none' };
    if (typeof own(sealed, 'data') !== 'string') return { seq, kind, call, state: 'lost' };
    const { key: id, of } = sealed as unknown as SealedPayload;
    const known = keys().list().find((key) => key.id === id);
    const opening = keys().opening(id);
    await ledger.write({ kind: 'access', time: now(), by, record: seq, call, key: id, ...(known === undefined ? {} : { tenant: known.tenant }), ok: opening !== undefined });
    const of_ = of === undefined ? {} : { of };
    if (opening === undefined) return { seq, kind, call, ...(known === undefined ? {} : { tenant: known.tenant }), state: 'erased', ...of_ };
    const { tenant } = opening;
    return { seq, kind, call, tenant, state: 'open', text: openPayload(opening, { kind, call, tenant }, sealed as unknown as SealedPayload), ...of_ };
  }

  return {
    tenants: () => listTenantKeys(dataDir),
    rotate: (tenant, by) =>
      next(async () => {
        const made = keys().rotate(tenant, now());
        await ledger.write({ kind: 'keys', time: now(), action: 'rotate', key: made.id, tenant, by });
        return made;
      }),
    erase: (tenant, by) => next(() => erase(tenant, by)),
    holds: async () => (await readRetention(dataDir)).holds,
    hold: (terms, by) => next(() => hold(terms, by)),
    release: (id, reason, by) => next(() => release(id, reason, by)),
    purge: (beforeMs, reason, by, dryRun) => next(() => purge(beforeMs, reason, by, dryRun)),
    payload,
  };
}

/** `hold hold_1a2b3c4d covers tenant "acme" (the case of Smith)`. */
export function inWords({ id, tenant, caller, fromMs, toMs, reason }: Hold): string {
  const what = [
    tenant === undefined ? 'every tenant' : `tenant "${tenant}"`,
    ...(caller === undefined ? [] : [`caller "${caller}"`]),
    ...(fromMs === undefined ? [] : [`from ${new Date(fromMs).toISOString()}`]),
    ...(toMs === undefined ? [] : [`to ${new Date(toMs).toISOString()}`]),
  ];
  return `hold ${id} covers ${what.join(', ')} (${reason})`;
}

const holdRecord = (action: 'add' | 'release', { id, tenant, caller, fromMs: from, toMs: to }: Hold, reason: string, by: string, time: number) =>
  ({ kind: 'hold', time, action, hold: id, tenant, caller, from, to, reason, by }) as const;

function recordAt(dataDir: string, seq: number): JsonObject {
  const reader = createLedgerReader(dataDir);
  try {
    const [record] = reader.after(seq - 1, 1);
    if (record?.seq !== seq) throw new RetentionRefused(`There is no record ${seq}, or its text was purged.`);
    return JSON.parse(record.body) as JsonObject & Record<string, JsonValue>;
  } finally {
    reader.close();
  }
}
