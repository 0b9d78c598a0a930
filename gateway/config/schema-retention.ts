/** The part of `signalbox.yaml` that says how long records keep their text. */
import { z } from 'zod';

/** Whole days: a purge comes once a day. */
export const KEEP = /^([1-9][0-9]{0,4})d$/;

export const retentionSchema = z
  .strictObject({
    keep: z.string().regex(KEEP, 'expected whole days such as "90d"')
      .meta({ description: 'Records older than this lose their text, once a day; those of the current month keep it, and what a legal hold covers.', examples: ['90d'] }),
  })
  .meta({ description: 'How long records keep their text. Absent: for ever.', examples: [{ keep: '90d' }] });
