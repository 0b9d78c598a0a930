/** Records read back, in any process, also while the gateway writes. It checks nothing: see verify.ts. */
import { join } from 'node:path';
import type { LedgerReader, StoredRecord } from '../../core/audit.ts';
import { openReadOnly } from '../sqlite.ts';
import { LEDGER_FILE } from './file.ts';

/** @throws Error when there is no ledger in the directory, or it cannot be read */
export function createLedgerReader(dataDir: string): LedgerReader {
  const db = openReadOnly(join(dataDir, LEDGER_FILE));
  const tail = db.prepare<[number], StoredRecord>(
    'SELECT * FROM (SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT ?) ORDER BY seq',
  );
  const after = db.prepare<[number, number], StoredRecord>('SELECT seq, body, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?');
  return {
    tail: (count) => tail.all(count),
    after: (seq, limit) => after.all(seq, limit),
    close: () => void db.close(),
  };
}
