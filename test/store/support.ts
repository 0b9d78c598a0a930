/** What the store's tests share: temporary data directories, records, and waiting for a condition. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AuditRecord, RecordBody, StoredRecord } from '../../core/audit.ts';
import type { Log } from '../../core/log.ts';
import { silentLog } from '../../core/log.ts';
import { createLedger, createLedgerReader, LEDGER_FILE, type LedgerOptions } from '../../store/index.ts';

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const ledgerPath = (dir: string): string => join(dir, LEDGER_FILE);

export async function openLedger(dataDir: string, options: Partial<LedgerOptions> = {}) {
  const ledger = await createLedger({ dataDir, log: silentLog, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

export const intent = (call: string): AuditRecord => ({ kind: 'intent', time: 1, call });
export const outcome = (call: string): AuditRecord => ({ kind: 'outcome', time: 2, call });

export function readAll(dataDir: string): StoredRecord[] {
  const reader = createLedgerReader(dataDir);
  try {
    return reader.after(0, 1_000_000);
  } finally {
    reader.close();
  }
}

export type Body = RecordBody & { call?: string; intent?: number };
export const bodies = (dataDir: string): Body[] => readAll(dataDir).map(({ body }) => JSON.parse(body) as Body);
export const kinds = (dataDir: string): string[] => bodies(dataDir).map(({ kind, call }) => (call === undefined ? kind : `${kind} ${call}`));

/** Keeps what was said, as `level message`. */
export function listeningLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return { log, lines };
}

export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
