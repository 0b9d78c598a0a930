/** `audit.checkpoints`: how often the ledger is signed, and where that is told besides. */
import { z } from 'zod';
import { DURATION } from './rate.ts';
import { text, whole } from './schema-servers.ts';

export const checkpointsSchema = z
  .strictObject({
    records: whole(1, 10_000_000, 'A checkpoint is made after so many records.', 1000).default(10_000),
    every: z.string().regex(DURATION, 'expected a whole number and a unit such as "60s": ms, s, min, h or d').default('60s')
      .meta({ description: 'And after so long, where there is anything new.', examples: ['10s'] }),
    file: text('Each checkpoint is also appended to this file; relative to this file. Elsewhere than the data directory: another disk, another machine.', '/mnt/worm/signalbox.checkpoints').optional(),
    webhook: z
      .strictObject({ url: text('Address that takes it by POST, as text/plain; it may hold references.', 'https://witness.example.com/checkpoints') })
      .optional()
      .meta({ description: 'Each checkpoint is also sent there.', examples: [{ url: 'https://witness.example.com/checkpoints' }] }),
  })
  .meta({ description: 'Signed statements of what the ledger holds, which show later that nothing in it was changed.', examples: [{ file: '/mnt/worm/signalbox.checkpoints' }] });
