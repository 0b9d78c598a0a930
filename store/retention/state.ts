/**
 * Holds in force, and a purge that is under way, in one file that is whole or not there. Where the file is not there the
 * holds are read from the ledger, which has all of them; where it cannot be read nothing may be purged or erased.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordBody } from '../../core/audit.ts';
import { isCode, replacePrivateFile } from '../files.ts';
import { LEDGER_FILE } from '../ledger/file.ts';
import { unpackPage } from '../ledger/page.ts';
import type { Hold } from './holds.ts';
import { openPages } from './pages.ts';

export const RETENTION_FILE = 'retention.json';
const VERSION = 1;

/** A purge that was begun: done again from its beginning where something stopped it. */
export interface BegunPurge {
  /** Records older than this, epoch milliseconds. */
  readonly beforeMs: number;
  readonly reason: string;
  readonly by: string;
}

export interface RetentionState {
  readonly holds: readonly Hold[];
  readonly purge?: BegunPurge;
}

/** @throws Error in words where it cannot be read */
export async function readRetention(dataDir: string): Promise<RetentionState> {
  const path = join(dataDir, RETENTION_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    return { holds: await holdsInLedger(dataDir) };
  }
  try {
    const { version, holds, purge } = JSON.parse(text) as { version?: unknown; holds?: unknown; purge?: BegunPurge };
    if (version !== VERSION || !Array.isArray(holds)) throw new Error('it is of another version');
    return { holds: holds as Hold[], ...(purge === undefined ? {} : { purge }) };
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as Error).message}): which holds are in force is not known. Put it back from a backup, or take it away: the holds are then read from the ledger`, { cause: error });
  }
}

export function writeRetention(dataDir: string, state: RetentionState): void {
  replacePrivateFile(join(dataDir, RETENTION_FILE), `${JSON.stringify({ version: VERSION, ...state }, undefined, 1)}\n`);
}

/** Records of holds are never purged. */
async function holdsInLedger(dataDir: string): Promise<Hold[]> {
  if (!existsSync(join(dataDir, LEDGER_FILE))) return [];
  const inForce = new Map<string, Hold>();
  const pages = openPages(dataDir);
  try {
    for await (const page of pages.from(0)) {
      if (!page.bodies.includes('"kind":"hold"')) continue;
      for (const { body } of unpackPage(page)) if (body.includes('"kind":"hold"')) takeHold(inForce, JSON.parse(body) as RecordBody);
    }
  } finally {
    pages.close();
  }
  return [...inForce.values()];
}

interface HoldMembers {
  readonly action?: string;
  readonly hold?: string;
  readonly tenant?: string;
  readonly caller?: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason?: string;
  readonly by?: string;
}

function takeHold(inForce: Map<string, Hold>, record: RecordBody): void {
  if (record.kind !== 'hold') return;
  const { action, hold: id = '', tenant, caller, from, to, reason = '', by = '', time } = record as RecordBody & HoldMembers;
  if (action === 'release') return void inForce.delete(id);
  inForce.set(id, { id, ...(tenant === undefined ? {} : { tenant }), ...(caller === undefined ? {} : { caller }), ...(from === undefined ? {} : { fromMs: from }), ...(to === undefined ? {} : { toMs: to }), reason, by, at: time });
}
