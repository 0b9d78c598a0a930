/** Everything that is under way for one client: what each line sets off, and what is still owed an answer. */
import { own } from '../../core/json.ts';
import { isRequestId } from '../mcp/message.ts';
import type { RequestId } from '../mcp/protocol.ts';
import { malformed, stillUnderWay, tooMany } from './answers.ts';
import { deliver, type Delivery, type DeliveryParts, type Request } from './delivery.ts';
import { exchange } from './exchange.ts';
import type { Incoming } from './incoming.ts';
import { postOptions } from './route.ts';

export interface Traffic {
  take(incoming: Incoming): void;
  /** Requests that have been answered, in whatever way. */
  readonly answered: number;
  /** Settles when those under way now have been; streams that stay open are not waited for. */
  owed(): Promise<void>;
}

/** Requests under way at once; one more is refused, so that a client's flood is not ours to store. */
const MAX_UNDER_WAY = 1000;

export function createTraffic(parts: DeliveryParts): Traffic {
  const { route, gateways, session, output } = parts;
  const underWay = new Map<RequestId, Delivery>();
  const deliveries = new Set<Delivery>();
  let answered = 0;

  const say = (text: string | undefined): void => {
    if (text !== undefined) output.write(text);
  };

  async function request(incoming: Request): Promise<void> {
    const { ids } = incoming;
    if (deliveries.size >= MAX_UNDER_WAY) return say(tooMany(ids, MAX_UNDER_WAY));
    const taken = ids.filter((id) => underWay.has(id));
    if (taken.length > 0) return say(stillUnderWay(taken));
    const delivery = deliver(incoming, parts);
    deliveries.add(delivery);
    for (const id of ids) underWay.set(id, delivery);
    await delivery.done;
    deliveries.delete(delivery);
    for (const id of ids) underWay.delete(id);
    answered++;
  }

  async function notification({ method, params, body, headers }: Extract<Incoming, { type: 'notification' }>): Promise<void> {
    if (method === 'notifications/cancelled') {
      const id = own(params, 'requestId');
      return isRequestId(id) ? underWay.get(id)?.cancel(body) : undefined;
    }
    await hand(body, headers);
    if (method === 'notifications/initialized') session.initialized(body);
  }

  /** What no answer is owed to. Lost where the gateway is lost: a new session is told all that it needs. */
  async function hand(body: Buffer, headers: readonly string[]): Promise<void> {
    const gateway = await gateways.current().catch(() => undefined);
    if (gateway === undefined) return;
    const ticket = await session.ticketFor(gateway);
    if (ticket.type !== 'ticket') return;
    await exchange(postOptions(route, gateway, [...headers, ...ticket.headers], body)).ending;
  }

  return {
    take(incoming) {
      switch (incoming.type) {
        case 'malformed':
          return say(malformed());
        case 'request':
          return void request(incoming);
        case 'notification':
          return void notification(incoming);
        case 'response':
          return void hand(incoming.body, incoming.headers);
      }
    },
    get answered() {
      return answered;
    },
    async owed() {
      await Promise.all([...deliveries].filter(({ isListening }) => !isListening).map(({ done }) => done));
    },
  };
}
