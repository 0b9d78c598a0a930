/**
 * Requests that share one stream: who waits for which id, and what to do with everything else that arrives. Used by
 * stdio and HTTP+SSE; how texts are written is theirs.
 */
import { lost, type Answer, type LinkEvents, type Outgoing } from '../link.ts';
import { parseMessages, type Message } from './jsonrpc.ts';

export interface Mux {
  readonly size: number;
  add(outgoing: Outgoing): void;
  remove(id: number): Outgoing | undefined;
  settle(id: number, answer: Answer): void;
  /** One text from the peer. Returns false where it held nothing that could be used. */
  receive(text: string, bytes: number): boolean;
  failAll(message: string): void;
}

export function createMux(events: LinkEvents, reply: (text: string) => void): Mux {
  const waiting = new Map<number, Outgoing>();

  function settle(id: number, answer: Answer): void {
    const outgoing = waiting.get(id);
    if (outgoing === undefined) return; // Late, or an id never sent: nobody's answer.
    waiting.delete(id);
    outgoing.settle(answer);
  }

  function take(message: Message, bytes: number): boolean {
    switch (message.type) {
      case 'result': {
        const outgoing = waiting.get(message.id);
        settle(message.id, outgoing !== undefined && bytes > outgoing.maxBytes ? tooLarge(outgoing.maxBytes) : { type: 'result', result: message.result, bytes });
        return true;
      }
      case 'error':
        if (message.id !== undefined) settle(message.id, { type: 'error', error: message.error, bytes });
        return true;
      case 'notification':
        events.notification(message.method, message.params);
        return true;
      case 'request': {
        const answer = events.request(message.id, message.method);
        if (answer !== undefined) reply(answer);
        return true;
      }
      case 'invalid':
        if (message.id !== undefined) settle(message.id, badAnswer(message.why));
        return message.id !== undefined;
    }
  }

  return {
    get size() {
      return waiting.size;
    },
    add(outgoing) {
      waiting.set(outgoing.id, outgoing);
    },
    remove(id) {
      const outgoing = waiting.get(id);
      waiting.delete(id);
      return outgoing;
    },
    settle,
    receive(text, bytes) {
      let usable = false;
      for (const message of parseMessages(text)) usable = take(message, bytes) || usable;
      return usable;
    },
    failAll(message) {
      const left = [...waiting.values()];
      waiting.clear();
      for (const outgoing of left) outgoing.settle(lost(message));
    },
  };
}

export const tooLarge = (maxBytes: number): Answer => ({
  type: 'broken',
  reason: 'too-large',
  message: `the answer is larger than maxResponseBytes (${maxBytes})`,
  executed: 'maybe',
});

export const badAnswer = (why: string): Answer => ({
  type: 'broken',
  reason: 'protocol',
  message: `the answer is no valid message: ${why}`,
  executed: 'maybe',
});
