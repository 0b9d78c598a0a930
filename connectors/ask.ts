/**
 * One request that is not a tool call (discover, initialize, tools/list): sent, awaited, and given up after a while.
 * Tool calls have a way of their own, `flight.ts`.
 */
import type { Written } from './era/dialect.ts';
import type { Answer, Link, Outgoing } from './link.ts';

export interface Question {
  readonly method: string;
  write(id: number): Written;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Never rejects. */
export function ask(link: Link, nextId: () => number, question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const id = nextId();
    const timer = setTimeout(() => {
      link.abandon(outgoing);
      resolve({ type: 'broken', reason: 'timeout', message: `it did not answer "${question.method}" within ${Math.round(question.timeoutMs)} ms`, executed: 'maybe' });
    }, question.timeoutMs);
    const outgoing: Outgoing = {
      id,
      method: question.method,
      ...question.write(id),
      maxBytes: question.maxBytes,
      settle(answer) {
        clearTimeout(timer);
        resolve(answer);
      },
    };
    link.send(outgoing);
  });
}
