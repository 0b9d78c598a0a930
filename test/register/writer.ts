/** A process that writes and signs until it is killed: `node writer.ts DIR`. It prints each checkpoint as JSON, once it is in the ledger. */
import { writeSync } from 'node:fs';
import { silentLog } from '../../core/log.ts';
import { createLedger } from '../../store/index.ts';

const ledger = await createLedger({
  dataDir: process.argv[2] ?? '',
  log: silentLog,
  checkpoints: {
    seed: Buffer.alloc(32, 7),
    pace: () => ({ records: 25, everyMs: 3 }),
    onCheckpoint: (note) => void writeSync(1, `${JSON.stringify(note)}\n`),
    onProblem(problem) {
      throw new Error(problem);
    },
  },
});

async function caller(): Promise<never> {
  for (;;) await ledger.write({ kind: 'auth', time: Date.now(), filler: 'x'.repeat(300) });
}

await Promise.all(Array.from({ length: 8 }, caller));
