/** Calls to a server that has nothing to do with the fault, without a pause: whether they notice anything of it. */
import { textIn } from '../test/support/mcp.ts';
import type { McpCaller } from '../test/support/mcp.ts';
import { count, ms, quantile, type Promises } from './case.ts';

export interface Neighbour {
  /** @returns what its calls took, in words */
  stop(promises: Promises): Promise<string>;
}

const CLIENTS = 4;
const P99_MS = 250;

export function keepNeighbourBusy(client: McpCaller, tool: string): Neighbour {
  const tookMs: number[] = [];
  const failed: string[] = [];
  let stopped = false;
  const keepCalling = async (_: unknown, number: number): Promise<void> => {
    for (let turn = 0; !stopped; turn++) {
      const id = `neighbour-${number}-${turn}`;
      const sentAt = performance.now();
      const text = await client.call(tool, { id }).then(textIn, String);
      tookMs.push(performance.now() - sentAt);
      if (text !== id) failed.push(text);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const ended = Promise.all(Array.from({ length: CLIENTS }, keepCalling));
  return {
    async stop(promises) {
      stopped = true;
      await ended;
      const p99 = quantile(tookMs, 0.99);
      promises.none("another server's calls that failed", failed);
      promises.keep(`99 of 100 of another server's calls take less than ${P99_MS} ms (it was ${ms(p99)})`, tookMs.length > 100 && p99 < P99_MS);
      return `meanwhile ${count(tookMs.length)} calls of another server, p99 ${ms(p99)}, failed ${failed.length}`;
    },
  };
}
