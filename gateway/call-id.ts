/** Ids of calls: unique across processes, in the order of their making, short enough to be read out. */
import { randomBytes } from 'node:crypto';

export function createCallIds(now: () => number = Date.now): () => string {
  const process = randomBytes(5).toString('hex');
  let count = 0;
  return () => `c${now().toString(36)}-${process}-${(count++).toString(36)}`;
}
