/** A process that writes calls until it is killed, eight at a time: `node writer.ts DIR NAME`. It prints what was acknowledged. */
import { writeSync } from 'node:fs';
import { silentLog } from '../../core/log.ts';
import { createLedger } from '../../store/index.ts';

const [, , dataDir = '', name = ''] = process.argv;
const ledger = await createLedger({ dataDir, log: silentLog });
let next = 0;

async function caller(): Promise<never> {
  for (;;) {
    const call = `${name}-${(next += 1)}`;
    await ledger.write({ kind: 'intent', time: Date.now(), call });
    writeSync(1, `intent ${call}\n`);
    if (next % 2 === 0) ledger.writeSoon({ kind: 'outcome', time: Date.now(), call });
    else {
      await ledger.write({ kind: 'outcome', time: Date.now(), call });
      writeSync(1, `outcome ${call}\n`);
    }
  }
}

await Promise.all(Array.from({ length: 8 }, caller));
