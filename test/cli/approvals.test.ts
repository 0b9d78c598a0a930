/** `signalbox approvals`, as the real program: what it shows, what it decides, how it fails. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';
import { call, CALLERS, waiting } from '../gateway/approvals-support.ts';
import { newPlace } from './support.ts';

async function world(...rules: object[]) {
  const up = await startUpstream();
  const config = { servers: { up: up.server }, callers: CALLERS, rules: rules.length === 0 ? [{ id: 'ask', effect: 'ask', reason: 'Look at it.' }] : rules };
  const gateway = await startGateway(config);
  const place = newPlace();
  const path = join(place.dir, 'signalbox.json');
  writeFileSync(path, JSON.stringify({ ...config, data: gateway.dataDir }));
  return { up, gateway, run: (...args: string[]) => place.run('approvals', args[0] as string, '-c', path, ...args.slice(1)) };
}

test('what waits is listed, shown and approved; the call goes through with the arguments that were written', async () => {
  const { up, gateway, run } = await world();
  expect(await run('list')).toEqual({ code: 0, out: '', err: 'No call waits for approval.\n' });
  const id = await waiting(call(gateway, { to: 'x', password: 'hunter2hunter2', big: JSON.rawJSON('12345678901234567890') as never, bad: '\u001b[2J' }));
  const listed = await run('list');
  expect(listed.out).toMatch(new RegExp(`^${id}  alice   up/echo  ask   pending, .* left  \\{"to":"x","password":"\\[redacted\\]"`, 'm'));
  const shown = await run('show', id);
  expect(shown.out).toContain('ask: Look at it.');
  expect(shown.out).toContain('12345678901234567890');
  for (const { out } of [listed, shown]) expect(out).not.toContain('\u001b');
  const approved = await run('approve', id, '--args', '{"to":"y"}');
  expect(approved).toMatchObject({ code: 0, out: '' });
  expect(approved.err).toMatch(/^Approved: "alice" may make this call of up\/echo with your arguments once, within 10 min\.\n$/);
  await call(gateway, { to: 'x', password: 'hunter2hunter2', big: JSON.rawJSON('12345678901234567890') as never, bad: '\u001b[2J' });
  expect(up.calls().map(({ params }) => params['arguments'])).toEqual([{ to: 'y' }]);
  expect(JSON.parse((await run('list', '--state', 'used', '--json')).out)).toMatchObject({ approvals: [{ id, state: 'used', edited: true, decidedBy: '(operator)' }] });
});

test('a denial carries its reason to the caller', async () => {
  const { gateway, run } = await world();
  const id = await waiting(call(gateway, { n: 1 }));
  expect(await run('deny', id, '--reason', 'Not today.')).toEqual({ code: 0, out: '', err: 'Denied: the call of up/echo by "alice".\n' });
  expect(await call(gateway, { n: 1 })).toMatchObject({ type: 'refused', message: 'A person denied this call: Not today.' });
  expect(await run('approve', id)).toEqual({ code: 1, out: '', err: `Approval ${id} is denied already by (operator).\n` });
});

test('where a role approves, the command says who decides: exit code 4 without, and for one who may not', async () => {
  const { gateway, run } = await world({ id: 'ask', effect: 'ask', approvers: ['lead'] });
  const id = await waiting(call(gateway, { n: 1 }));
  const nobody = await run('approve', id);
  expect(nobody).toMatchObject({ code: 4, out: '' });
  expect(nobody.err).toContain('--as CALLER');
  expect(await run('approve', id, '--as', 'alice')).toMatchObject({ code: 4, err: expect.stringContaining('Nobody approves a call of their own') });
  expect(await run('approve', id, '--as', 'laed')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "lead"?') });
  expect(await run('approve', id, '--as', 'lead', '--json')).toMatchObject({ code: 0, out: expect.stringContaining('"decidedBy": "lead"') });
});

test('an id that leads nowhere, and a command line that makes no sense, are said in words', async () => {
  const { run } = await world();
  const none = `ap_${'0'.repeat(32)}`;
  for (const verb of ['show', 'approve', 'deny']) expect(await run(verb, none)).toEqual({ code: 1, out: '', err: `There is no approval "${none}".\n` });
  expect(await run('show', '../keys')).toMatchObject({ code: 1, err: expect.stringContaining('is no id of an approval') });
  expect(await run('approve', none, '--args', '[1]')).toMatchObject({ code: 2 });
  expect(await run('list', '--state', 'open')).toMatchObject({ code: 2 });
});
