/** What the tests of retention share: ledgers with old records, each with a word of its own, and where such words are found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AuditRecord } from '../../core/audit.ts';
import { silentLog } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import { createRegisterKeeper } from '../../gateway/register/index.ts';
import { createRetentionKeeper, type RetentionKeeper } from '../../gateway/retention/index.ts';
import { createKnownSecrets } from '../../policies/index.ts';
import { checkProof, createLedger, createVerifier, LEDGER_FILE, openSearch, openSecret, proveRecord, publishedKey, verifyLedger, type CheckedProof, type PurgeableLedger, type VerifyResult } from '../../store/index.ts';
import { readAll } from '../store/support.ts';

export const DAY_MS = 86_400_000;

/** Found in a file even where only a piece of its record is left. */
export const wordOf = (call: string): string => `<word of ${call}>`;

export interface OldCall {
  readonly call: string;
  readonly time: number;
  readonly tenant?: string;
  readonly caller?: string;
}

/** A call's beginning and end. */
export const recordsOf = ({ call, time, tenant = 'acme', caller = 'alice' }: OldCall): AuditRecord[] => [
  { kind: 'intent', time, call, caller, tenant, tool: 'up/echo', args: { text: wordOf(call).repeat(30) } },
  { kind: 'outcome', time: time + 5, call, outcome: 'completed', note: wordOf(call).repeat(10) },
];

export interface Kept {
  readonly ledger: PurgeableLedger;
  readonly keeper: RetentionKeeper;
  close(): Promise<void>;
}

/** A ledger and its retention, without the rest of a gateway. */
export async function keep(dataDir: string, retention: { readonly keepMs: number } | undefined, now: () => number = Date.now): Promise<Kept> {
  const secret = openSecret(dataDir);
  const register = createRegisterKeeper({ dataDir, secret, log: silentLog, settings: () => ({ records: 100_000, everyMs: 600_000 }), hook: () => undefined });
  const ledger = await createLedger({ dataDir, log: silentLog, checkpoints: register.checkpoints });
  const settings = { hash: 'a'.repeat(64), audit: { payloads: 'redacted', ...(retention === undefined ? {} : { retention }) } } as unknown as Settings;
  const updateIndex = async (): Promise<void> => {
    const index = openSearch(dataDir);
    await index.update().finally(() => index.close());
  };
  const keeper = createRetentionKeeper({ dataDir, ledger, secret, known: createKnownSecrets(), log: silentLog, settings: () => settings, now, updateIndex });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= keeper.close().then(() => ledger.close()).then(() => register.close()));
  onTestFinished(close);
  return { ledger, keeper, close };
}

/** Records in commits of a few, as calls that run side by side make them. */
export async function writeCalls(ledger: PurgeableLedger, calls: readonly OldCall[], together = 4): Promise<void> {
  for (let at = 0; at < calls.length; at += together) await Promise.all(calls.slice(at, at + together).flatMap(recordsOf).map((record) => ledger.write(record)));
}

/** Files of the data directory in which the bytes of a text stand. */
export const filesWith = (dataDir: string, text: string | Buffer): string[] => readdirSync(dataDir).filter((name) => readFileSync(join(dataDir, name)).includes(text));

/** Words of which calls stand in any file. */
export function wordsIn(dataDir: string): Set<string> {
  const found = new Set<string>();
  for (const name of readdirSync(dataDir)) for (const [, call = ''] of readFileSync(join(dataDir, name), 'latin1').matchAll(/<word of ([\w-]+)>/g)) found.add(call);
  return found;
}

export const verified = (dataDir: string): VerifyResult => verifyLedger(join(dataDir, LEDGER_FILE));

export const proofOf = (dataDir: string, seq: number): string => proveRecord(join(dataDir, LEDGER_FILE), seq);

export const checked = (dataDir: string, proof: string): CheckedProof => checkProof(proof, createVerifier(publishedKey(dataDir) ?? ''));

export const recordsOfKind = (dataDir: string, kind: string): Record<string, unknown>[] =>
  readAll(dataDir).filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as Record<string, unknown>).filter((record) => record['kind'] === kind);

export const callsLeft = (dataDir: string): string[] => recordsOfKind(dataDir, 'intent').map(({ call }) => String(call));
