/** Records read back, in any process, also while the gateway writes. It checks nothing: see verify.ts. */
import { join } from 'node:path';
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import { openReadOnly } from '../sqlite.ts';
import { LEDGER_FILE, recordsFrom } from './file.ts';
import { unpackPage, type Page } from './page.ts';

/** @throws Error when there is no ledger in the directory, or it cannot be read */
export function createLedgerReader(dataDir: string): LedgerReader {
  const db = openReadOnly(join(dataDir, LEDGER_FILE));
  const from = recordsFrom(db);
  const lastPage = db.prepare<[], Page>('SELECT first, bodies, hashes FROM pages ORDER BY first DESC LIMIT 1');

  function after(seq: number, limit: number): StoredRecord[] {
    const found: StoredRecord[] = [];
    if (limit <= 0) return found;
    for (const record of from(seq + 1)) {
      found.push(record);
      if (found.length === limit) break;
    }
    return found;
  }

  return {
    tail(count) {
      const page = lastPage.get();
      const last = page === undefined ? undefined : unpackPage(page).at(-1);
      return last === undefined ? [] : after(last.seq - count, count);
    },
    after,
    close: () => void db.close(),
  };
}
