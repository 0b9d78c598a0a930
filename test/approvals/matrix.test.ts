/** Every way in, and everything that can become of a call that a person decides: by real clients, counted where it executes. */
import { describe, expect, test } from 'vitest';
import { FACES, type Answer, type Asked } from './faces.ts';
import { ASK, expired, openWorld } from './world.ts';

const APPROVE: Answer = { type: 'approve' };
const LEAVE: Answer = { type: 'leave' };
const ARGS = { path: '/tmp/a', text: 'hello' };

describe.each(FACES)('$name', ({ call }) => {
  test('approve: the person sees what is called, and it is executed once, as it came [ASK-1]', async () => {
    const world = await openWorld();
    let shown = '';
    const said = await call(world, ARGS, (asked) => {
      shown = asked.shown;
      expect(world.executed()).toEqual([]);
      return APPROVE;
    });
    expect(said).toMatchObject({ ok: true, text: expect.stringContaining('written') as string });
    expect(world.executed()).toEqual([ARGS]);
    for (const word of ['up/write', '/tmp/a', 'alice', 'ask-first', 'Writing needs a word.']) expect(shown).toContain(word);
  });

  test('edit: what the person wrote is executed, and what came is not [ASK-1]', async () => {
    const world = await openWorld();
    const said = await call(world, ARGS, () => ({ type: 'approve', args: { path: '/tmp/b' } }));
    expect(said.ok).toBe(true);
    expect(world.executed()).toEqual([{ path: '/tmp/b' }]);
  });

  test('deny: nothing is executed, and the caller reads why [ASK-1]', async () => {
    const world = await openWorld();
    const said = await call(world, ARGS, () => ({ type: 'deny', note: 'not on a Friday' }));
    expect(said).toMatchObject({ ok: false, text: expect.stringContaining('not on a Friday') as string });
    expect(world.executed()).toEqual([]);
    expect(world.pending()).toEqual([]);
  });

  test('expire: an approval that comes too late executes nothing [ASK-1]', async () => {
    const world = await openWorld({ rules: [{ ...ASK, expiresIn: '1500ms' }] });
    const said = await call(world, ARGS, async ({ id }) => {
      await expired(world, id);
      return APPROVE;
    });
    expect(said).toMatchObject({ ok: false, text: expect.stringMatching(/in time|is over|expired already/) as string });
    expect(world.executed()).toEqual([]);
  });

  test('replay: a grant is for one call, and the same call asks anew [ASK-1]', async () => {
    const world = await openWorld();
    const ids: string[] = [];
    const person = (answer: Answer) => ({ id }: Asked) => {
      ids.push(id);
      return answer;
    };
    expect(await call(world, ARGS, person(APPROVE))).toMatchObject({ ok: true });
    expect(await call(world, ARGS, person({ type: 'deny' }))).toMatchObject({ ok: false });
    expect(new Set(ids).size).toBe(2);
    expect(world.executed()).toEqual([ARGS]);
  });

  test('restart between: the request is still the same one, and is executed once [ASK-1]', async () => {
    const world = await openWorld();
    const ids: string[] = [];
    let restarted: Promise<void> | undefined;
    const first = await call(world, ARGS, async ({ id, shown }) => {
      ids.push(id);
      // A command goes with the gateway that it speaks to, and so is left before.
      if (shown.includes('[l]eave')) return LEAVE;
      await (restarted = world.restart());
      return APPROVE;
    });
    await (restarted ?? world.restart());
    if (first.ok) return expect(world.executed()).toEqual([ARGS]);
    expect(world.executed()).toEqual([]);
    const second = await call(world, ARGS, ({ id }) => {
      ids.push(id);
      return APPROVE;
    });
    expect(second).toMatchObject({ ok: true });
    expect(new Set(ids).size).toBe(1);
    expect(world.executed()).toEqual([ARGS]);
  });

  test('rules changed between: what is in force when it goes on decides [ASK-1]', async () => {
    const world = await openWorld();
    const said = await call(world, ARGS, () => {
      world.rules([ASK, { id: 'no-more', effect: 'deny', when: "args.path == '/tmp/a'", reason: 'Closed for today.' }]);
      return APPROVE;
    });
    expect(said).toMatchObject({ ok: false, text: expect.stringContaining('Closed for today.') as string });
    expect(world.executed()).toEqual([]);
  });

  test('rules changed between, to ask somebody else: what was said before does not count [ASK-1]', async () => {
    const world = await openWorld({ wait: '300ms' });
    let id = '';
    const said = await call(world, ARGS, (asked) => {
      id = asked.id;
      world.rules([{ ...ASK, approvers: ['lead'] }]);
      return APPROVE;
    });
    expect(said).toMatchObject({ ok: false, text: expect.stringContaining('approval') as string });
    expect(world.find(id)?.state).not.toBe('used');
    expect(world.executed()).toEqual([]);
  });

  test('left for later: nothing is executed, the request stays, and the caller is told its id [ASK-1]', async () => {
    const world = await openWorld({ wait: '300ms' });
    let id = '';
    const said = await call(world, ARGS, (asked) => {
      id = asked.id;
      return LEAVE;
    });
    expect(said).toMatchObject({ ok: false, text: expect.stringContaining(id) as string });
    expect(world.pending().map((request) => request.id)).toEqual([id]);
    await world.decide(id, { type: 'approve' });
    expect(await call(world, ARGS, () => LEAVE)).toMatchObject({ ok: true });
    expect(world.executed()).toEqual([ARGS]);
  });
});
