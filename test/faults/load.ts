/** Clients of both eras that call without a pause, and the account that they keep of what they were told. */
import { errorIn, textIn } from '../support/mcp.ts';
import type { Message } from '../support/http.ts';
import type { Serving } from './support.ts';

export interface Load {
  /** Ids whose call was answered with its result. */
  readonly acknowledged: string[];
  /** Ids whose call was refused or failed, with the code of the error. */
  readonly failed: Map<string, unknown>;
  /** Ids whose connection broke before an answer came. */
  readonly broken: string[];
  underWay(): number;
  /** No new calls; resolves when those under way have ended. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** Distinguishes the ids of this load from those of others. */
  readonly name: string;
  readonly clients: number;
  readonly tools: readonly string[];
  /** A client goes away when its connection breaks, and calls again otherwise. */
  readonly goOn?: boolean;
  /** Of every fourth call: so long the answer follows after the execution. */
  readonly answerAfterMs?: number;
}

type Call = (name: string, args: object) => Promise<Message>;

export async function startLoad(gateway: Serving, { name, clients, tools, goOn = false, answerAfterMs = 0 }: LoadOptions): Promise<Load> {
  const acknowledged: string[] = [];
  const failed = new Map<string, unknown>();
  const broken: string[] = [];
  let stopped = false;
  let underWay = 0;

  async function keepCalling(call: Call, client: number): Promise<void> {
    for (let count = 0; !stopped; count++) {
      const id = `${name}-${client}-${count}`;
      underWay += 1;
      try {
        const message = await call(tools[(client + count) % tools.length] as string, { id, ...(count % 4 === 3 ? { answerAfterMs } : {}) });
        if (textIn(message) === id) acknowledged.push(id);
        else failed.set(id, message.error?.code ?? errorIn(message)['code']);
      } catch {
        broken.push(id);
        if (!goOn) return;
      } finally {
        underWay -= 1;
      }
    }
  }

  const client = gateway.client();
  const calls = await Promise.all(Array.from({ length: clients }, async (_, index): Promise<Call> => (index % 2 === 0 ? client.call : (await client.session()).call)));
  const ended = Promise.all(calls.map(keepCalling));
  return {
    acknowledged,
    failed,
    broken,
    underWay: () => underWay,
    async stop() {
      stopped = true;
      await ended;
    },
  };
}
