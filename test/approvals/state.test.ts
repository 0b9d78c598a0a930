/** `requestState`, as somebody sends it back who means harm, or sends it too often: only the call that it was given for is ever executed. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sealState } from '../../gateway/mcp/ask/request-state.ts';
import { createSealer } from '../../gateway/seal.ts';
import { openSecret } from '../../store/index.ts';
import type { Message, Reply } from '../support/http.ts';
import type { McpCaller } from '../support/mcp.ts';
import { accept, ALICE, APPROVED, ASK, ASKABLE, BOB, expired, openWorld, type World } from './world.ts';

const ARGS = { path: '/tmp/a', count: 1 };
const INVALID = -32602;

const alice = (world: World, profile?: string): McpCaller => world.gateway().client({ key: ALICE.key, ...(profile === undefined ? {} : { profile }) });

async function ask(client: McpCaller, args: object = ARGS, name = 'up__write'): Promise<string> {
  const { message } = await client.modern('tools/call', { name, arguments: args }, ASKABLE);
  expect(message.result.resultType).toBe('input_required');
  return message.result.requestState as string;
}

const retry = (client: McpCaller, requestState: unknown, args: object = ARGS, name = 'up__write', approval: unknown = APPROVED): Promise<Reply> =>
  client.modern('tools/call', { name, arguments: args, requestState, inputResponses: { approval } }, ASKABLE);

const isRefused = ({ message }: { readonly message: Message }): void => expect(message.error?.code).toBe(INVALID);

test('altered in any way, cut, or made up, a state is refused, and the call it came with is not executed [ASK-2]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const state = await ask(client);
  const bytes = Buffer.from(state, 'base64url');
  const flipped = fc.nat(bytes.length * 8 - 1).map((bit) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    return copy.toString('base64url');
  });
  const cut = fc.tuple(fc.nat(state.length - 1), fc.nat(state.length)).map(([from, to]) => state.slice(from, to)).filter((text) => text !== state);
  const longer = fc.string({ minLength: 1, maxLength: 40 }).map((more) => state + more);
  const anything = fc.oneof(flipped, cut, longer, fc.base64String(), fc.jsonValue().filter((value) => value !== state));
  await fc.assert(
    fc.asyncProperty(anything, async (altered) => {
      isRefused(await retry(client, altered));
      expect(world.executed()).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect((await retry(client, state)).message.result.content[0].text).toBe('written');
  expect(world.executed()).toEqual([ARGS]);
});

test('another caller, profile, tool, or other arguments: the state is not theirs, and nothing is executed [ASK-2]', async () => {
  const world = await openWorld({ more: { profiles: { p: { include: ['*'] } } } });
  const client = alice(world);
  const state = await ask(client);
  const elsewhere = [retry(world.gateway().client({ key: BOB.key }), state), retry(alice(world, 'p'), state), retry(client, state, ARGS, 'up__other')];
  for (const { message } of await Promise.all(elsewhere)) expect(message.error).toMatchObject({ code: INVALID, message: expect.stringContaining('belongs to another call') as string });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (args) => {
      if (JSON.stringify(args) !== JSON.stringify(ARGS)) isRefused(await retry(client, state, args));
    }),
    { numRuns: 100 },
  );
  expect(world.executed()).toEqual([]);
  // The members in another order are the same arguments.
  expect((await retry(client, state, { count: 1, path: '/tmp/a' })).message.result.isError).toBeUndefined();
  expect(world.executed()).toHaveLength(1);
});

test('a state of another call of the same caller does not approve this one, nor does one under another key of the gateway [ASK-2]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const [mine, other] = [await ask(client), await ask(client, { path: '/tmp/b' })];
  isRefused(await retry(client, other));
  const principal = { id: ALICE.id, tenant: 'default', roles: [], proof: 'key' as const };
  const call = { principal, profile: undefined, name: 'up__write', args: ARGS };
  const id = world.pending()[0]?.id as string;
  const later = Date.now() + 60_000;
  isRefused(await retry(client, sealState(createSealer(openSecret(world.dataDir).derive('another-purpose')), id, call, later)));
  // Good in every way but that the request in it is nobody's.
  isRefused(await retry(client, sealState(createSealer(openSecret(world.dataDir).derive('request-state')), 'ap_0', call, later)));
  expect(world.executed()).toEqual([]);
  expect((await retry(client, mine)).message.error).toBeUndefined();
});

test('its time over, a state executes nothing [ASK-2]', async () => {
  const world = await openWorld({ rules: [{ ...ASK, expiresIn: '500ms' }] });
  const client = alice(world);
  const state = await ask(client);
  await expired(world, world.pending()[0]?.id as string);
  const { message } = await retry(client, state);
  expect(message.error).toMatchObject({ code: INVALID, message: expect.stringContaining('is over') as string });
  expect(world.executed()).toEqual([]);
});

test('fifty parallel replays of one approval execute once, and none after them [ASK-3]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const state = await ask(client);
  const replies = await Promise.all(Array.from({ length: 50 }, () => retry(client, state)));
  expect(replies.filter(({ message }) => message.result?.content?.[0]?.text === 'written')).toHaveLength(1);
  for (const { message } of replies) expect(message.error?.code === INVALID || message.result !== undefined).toBe(true);
  isRefused(await retry(client, state));
  isRefused(await retry(client, state, ARGS, 'up__write', accept({ decision: 'approve', arguments: '{"path":"/tmp/c"}' })));
  expect(world.executed()).toEqual([ARGS]);
});

test('fifty parallel calls and replays race for one grant of an operator, and one is executed [ASK-3]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const state = await ask(client);
  await world.decide(world.pending()[0]?.id as string, { type: 'approve' });
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? retry(client, state) : client.modern('tools/call', { name: 'up__write', arguments: ARGS }, ASKABLE))),
  );
  expect(replies.filter(({ message }) => message.result?.content?.[0]?.text === 'written')).toHaveLength(1);
  expect(world.executed()).toEqual([ARGS]);
});

test("a no, or other arguments, that come after an operator's yes do not use it [ASK-2]", async () => {
  const world = await openWorld();
  const client = alice(world);
  const state = await ask(client);
  await world.decide(world.pending()[0]?.id as string, { type: 'approve' });
  isRefused(await retry(client, state, ARGS, 'up__write', { action: 'decline' }));
  isRefused(await retry(client, state, ARGS, 'up__write', accept({ decision: 'approve', arguments: '{"path":"/tmp/c"}' })));
  expect((await retry(client, state, ARGS, 'up__write', { action: 'cancel' })).message.result.isError).toBe(true);
  expect(world.executed()).toEqual([]);
  expect((await retry(client, state)).message.result.isError).toBeUndefined();
  expect(world.executed()).toEqual([ARGS]);
});

test('arguments that repeat what was hidden ask again, and the real ones are written to the tool [ASK-4]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const args = { path: '/tmp/a', password: 'hunter2hunter2' };
  const state = await ask(client, args);
  const { message } = await retry(client, state, args, 'up__write', accept({ decision: 'approve', arguments: '{"path":"/tmp/b","password":"[redacted]"}' }));
  expect(message.result.inputRequests.approval.params.message).toMatch(/^Not taken: .*hidden from you/);
  expect(world.executed()).toEqual([]);
  await retry(client, message.result.requestState, args);
  expect(world.executed()).toEqual([args]);
});

test('an answer that is missing or filled in wrongly asks again, and one that is none is refused [ASK-2]', async () => {
  const world = await openWorld();
  const client = alice(world);
  const state = await ask(client);
  const again = [accept({}), accept({ decision: 'Approve' }), accept({ decision: ['approve'] }), { action: 'accept' }];
  const edits = ['{', '[]', '"approve"', '{"a":1,"a":2}', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`];
  for (const answer of [...again, ...edits.map((text) => accept({ decision: 'approve', arguments: text }))]) {
    const { message } = await retry(client, state, ARGS, 'up__write', answer);
    expect(message.result.resultType).toBe('input_required');
    expect(message.result.inputRequests.approval.params.message).toMatch(/^Not taken: /);
  }
  const unanswered = await client.modern('tools/call', { name: 'up__write', arguments: ARGS, requestState: state, inputResponses: { other: APPROVED } }, ASKABLE);
  expect(unanswered.message.result.resultType).toBe('input_required');
  for (const answer of ['approve', null, [], { action: 'yes' }, { content: { decision: 'approve' } }]) isRefused(await retry(client, state, ARGS, 'up__write', answer));
  isRefused(await client.modern('tools/call', { name: 'up__write', arguments: ARGS, requestState: state, inputResponses: [APPROVED] }, ASKABLE));
  expect(world.executed()).toEqual([]);
  expect(world.pending()).toHaveLength(1);
});
