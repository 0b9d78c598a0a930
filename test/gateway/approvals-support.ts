/** What the tests of approvals share: calls put on the one path directly, as any way in does, and decisions over the admin API. */
import { performance } from 'node:perf_hooks';
import { CancelSource } from '../../core/cancel.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Principal } from '../../core/principal.ts';
import type { TestGateway } from '../support/gateway.ts';
import { send, type Reply } from '../support/http.ts';

export const ALICE_KEY = 'sbx_alice-key-for-tests';
export const BOB_KEY = 'sbx_bob-key-for-tests';
export const LEAD_KEY = 'sbx_lead-key-for-tests';
export const OTHER_KEY = 'sbx_other-key-for-tests';

export const CALLERS = [
  { id: 'alice', key: ALICE_KEY, roles: ['lead'] },
  { id: 'bob', key: BOB_KEY, roles: ['dev'] },
  { id: 'lead', key: LEAD_KEY, roles: ['lead'] },
  { id: 'other', key: OTHER_KEY, tenant: 'elsewhere', roles: ['lead'] },
];

const principalOf = (id: string): Principal => {
  const caller = CALLERS.find((one) => one.id === id) as { tenant?: string; roles: string[] };
  return { id, tenant: caller.tenant ?? 'default', roles: caller.roles, proof: 'key' };
};

export interface CallOptions {
  readonly as?: string;
  readonly name?: string;
  readonly session?: string;
}

export function call(gateway: TestGateway, args: JsonObject, { as = 'alice', name = 'up__echo', session }: CallOptions = {}): Promise<Outcome> {
  const { hall } = gateway;
  return hall.callTool(hall.box(), {
    id: hall.newCallId(),
    principal: principalOf(as),
    profile: undefined,
    name,
    args,
    origin: { face: 'mcp', sessionId: session },
    context: { cancellation: new CancelSource(), arrivedAt: performance.now() },
  });
}

/** The id of the approval that a call waits for. */
export async function waiting(outcome: Outcome | Promise<Outcome>): Promise<string> {
  const ended = await outcome;
  if (ended.type !== 'waiting') throw new Error(`expected it to wait, found ${JSON.stringify(ended)}`);
  return ended.approvalId;
}

export interface Decision {
  readonly verdict: 'approve' | 'deny';
  readonly note?: string;
  readonly arguments?: object;
  readonly as?: string;
}

/** By the operator's token unless a key is given. */
export const decide = (gateway: TestGateway, id: string, decision: Decision | object, key = gateway.operatorToken): Promise<Reply> =>
  send(`${gateway.url}/admin/approvals/${id}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(decision) });

export const look = (gateway: TestGateway, path = '', key = gateway.operatorToken): Promise<Reply> =>
  send(`${gateway.url}/admin/approvals${path}`, { method: 'GET', headers: { authorization: `Bearer ${key}` } });

/** The body of an answer that is no JSON-RPC. */
// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into, and expected to be anything
export const bodyOf = ({ text }: Reply): any => JSON.parse(text);

export const stateOf = async (gateway: TestGateway, id: string): Promise<string> => bodyOf(await look(gateway, `/${id}`)).approval.state as string;
