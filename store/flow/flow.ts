/** Labels that sessions and runs have touched, kept across restarts. It decides nothing, and knows no time but the last close. */
import { join } from 'node:path';
import type { FlowStore, TouchedRow } from '../../core/flow.ts';
import { ensureDataDir } from '../files.ts';
import { openDatabase, type Sqlite } from '../sqlite.ts';

const FLOW_FILE = 'flow.db';
/** Nobody else writes it; a call waits for this, and with it every other. */
const BUSY_TIMEOUT_MS = 50;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS touched (
    tenant TEXT NOT NULL, caller TEXT NOT NULL, run TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (tenant, caller, run, label)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS closed (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;
`;

/** @throws Error when the database cannot be opened */
export function createFlowStore(dataDir: string): FlowStore {
  ensureDataDir(dataDir);
  const db = openDatabase(join(dataDir, FLOW_FILE), BUSY_TIMEOUT_MS);
  try {
    db.exec(SCHEMA);
    return flowStore(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function flowStore(db: Sqlite): FlowStore {
  const insert = db.prepare<[string, string, string, string]>('INSERT OR IGNORE INTO touched (tenant, caller, run, label) VALUES (?, ?, ?, ?)');
  const remove = db.prepare<[string, string, string]>('DELETE FROM touched WHERE tenant = ? AND caller = ? AND run = ?');
  const takeClosed = db.prepare<[], number>('DELETE FROM closed RETURNING at').pluck();
  const write = db.transaction<FlowStore['write']>((add, forget) => {
    for (const { tenant, caller, run } of forget) remove.run(tenant, caller, run);
    for (const { tenant, caller, run, label } of add) insert.run(tenant, caller, run, label);
  });
  return {
    load: () => db.prepare<[], TouchedRow>('SELECT tenant, caller, run, label FROM touched').all(),
    takeClosedAt: () => takeClosed.get(),
    write: (add, forget) => void write.immediate(add, forget),
    close(closedAtMs) {
      try {
        db.prepare<[number]>('INSERT OR REPLACE INTO closed (id, at) VALUES (1, ?)').run(closedAtMs);
      } catch {
        // Without it the next start takes everything for recent, which errs on the safe side.
      }
      db.close();
    },
  };
}
