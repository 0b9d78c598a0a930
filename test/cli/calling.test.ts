import { describe, expect, it } from 'vitest';
import { newPlace, SERVERS, until } from './support.ts';

const POLICY = `rules:
  - { id: all, effect: allow, tools: ["up/*"] }
  - { id: no-fail, effect: deny, tools: ["up/echo"], when: "has(args.secret)", reason: "No secrets." }
  - { id: hidden, effect: deny, tools: ["up/picture"], callers: [bob], reason: "Not for bob." }
  - { id: first-ask, effect: ask, tools: ["up/echo"], when: "has(args.ask)" }
limits:
  - { id: twice, tools: ["up/by_region"], rate: 2/hour }
callers:
  - { id: alice, profiles: [plain] }
  - { id: bob }
approvals: { wait: 0s }
profiles:
  plain: { include: ["*"], names: plain }
`;

describe('tools', () => {
  it('are listed with the first line of their description, and nothing in it moves the terminal', async () => {
    const { code, out } = await newPlace(SERVERS).run('tools');
    expect(code).toBe(0);
    expect(out).toContain('up__echo       Says it back.\n');
    expect(out).toContain('\\u001b[2Jcleared\\u202e');
    expect(out).not.toContain('\u001b');
  });

  it('of a server that is down are missed aloud, on stderr', async () => {
    const { code, out, err } = await newPlace('data: ./data\nservers:\n  gone: { command: /nowhere/at-all }\n').run('tools', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ tools: [] });
    expect(err).toContain('Missing: the tools of server "gone", which is failed: server "gone": command "/nowhere/at-all" does not exist');
  });

  it('are seen as the caller and the profile named see them, and a wrong name of either is told with the right one', async () => {
    const place = newPlace(SERVERS + POLICY);
    const [seen, noProfile, wrongProfile, wrongCaller] = await Promise.all([
      place.run('tools', '--as', 'alice', '--profile', 'plain'),
      place.run('tools', '--as', 'alice'),
      place.run('tools', '--as', 'alice', '--profile', 'plian'),
      place.run('tools', '--as', 'alcie'),
    ]);
    expect(seen.out).toMatch(/^by_region$/m);
    expect(noProfile).toMatchObject({ code: 2, out: '', err: expect.stringContaining('"alice" sees tools through a profile only') as string });
    expect(wrongProfile).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "plain"?') as string });
    expect(wrongCaller).toMatchObject({ code: 2, err: 'There is no caller "alcie". Did you mean "alice"?\n' });
  });
});

describe('call', () => {
  it('prints text as it came into a pipe, describes the rest, and tells progress on stderr', async () => {
    const place = newPlace(SERVERS);
    const [echo, evil, picture, steps] = await Promise.all([
      place.run('call', 'up__echo', '{"id":12345678901234567890}'),
      place.run('call', 'up__evil'),
      place.run('call', 'up__picture'),
      place.run('call', 'up__steps'),
    ]);
    expect(echo).toEqual({ code: 0, out: '{"id":12345678901234567890}\n', err: '' });
    expect(evil.out).toBe('\u001b]0;title\u0007\n');
    expect(picture.out).toBe('[image image/png, 3 bytes; --json prints it]\na picture\n');
    expect(steps).toEqual({ code: 0, out: 'done\n', err: 'progress 1/2  half\n' });
  });

  it('ends with 1 for an error of the tool, 4 for a refusal, and says the words on stderr', async () => {
    const place = newPlace(SERVERS + POLICY);
    const [failed, denied, ask, asked, hidden, unknown] = await Promise.all([
      place.run('call', 'up__fail', '{}', '--as', 'bob'),
      place.run('call', 'up__echo', '{"secret":1}', '--as', 'bob'),
      place.run('call', 'up__echo', '{"ask":1}', '--as', 'bob', '--json'),
      place.run('call', 'up__echo', '{"ask":2}', '--as', 'bob'),
      place.run('call', 'up__picture', '{}', '--as', 'bob'),
      place.run('call', 'up__ecko', '{}', '--as', 'bob'),
    ]);
    expect(failed).toEqual({ code: 1, out: '', err: 'it did not work \\u001b[31m\n' });
    expect(denied).toMatchObject({ code: 4, out: '', err: expect.stringContaining('No secrets.') as string });
    expect(ask.code).toBe(4);
    expect(JSON.parse(ask.out)).toMatchObject({ isError: true, _meta: { 'dev.signalbox/error': { code: 'approval_required' } } });
    // No terminal: nobody is asked, and the command to run is told.
    expect(asked).toMatchObject({ code: 4, out: '', err: expect.stringMatching(/\bsignalbox approvals approve (ap_\w+)".*\bsignalbox approvals show \1"/) as string });
    expect(hidden).toMatchObject({ code: 4, err: expect.stringContaining('up/picture: Not for bob.') as string });
    expect(unknown).toMatchObject({ code: 1, err: 'There is no tool "up__ecko". Did you mean "up__echo"?\n' });
    const { out } = await place.run('audit', 'tail', '--json');
    const refusals = out.trim().split('\n').map((line) => JSON.parse(line) as { kind: string; name?: string }).filter(({ kind }) => kind === 'refused');
    expect(refusals.map(({ name }) => name).toSorted()).toEqual(['up__echo', 'up__echo', 'up__echo', 'up__ecko', 'up__picture']);
  });

  it('mirrors the arguments that a tool asks for in headers, whatever is in them', async () => {
    const place = newPlace(SERVERS);
    const { code, out } = await place.run('call', 'up__by_region', '{"region":"Zürich\\n=?base64?x?="}');
    expect([code, JSON.parse(out)]).toEqual([0, { region: 'Zürich\n=?base64?x?=' }]);
  });

  it('from many processes at once on one data directory: each gets its answer, one gateway at a time', async () => {
    const place = newPlace(SERVERS);
    const calls = await Promise.all(Array.from({ length: 6 }, (_, at) => place.run('call', 'up__echo', `{"at":${at}}`)));
    expect(calls.map(({ code, out, err }) => [code, out, err])).toEqual(calls.map((_, at) => [0, `{"at":${at}}\n`, '']));
    expect((await place.run('audit', 'verify')).code).toBe(0);
  });

  it('that is interrupted is cancelled, recorded as such, and ends with 130', async () => {
    const place = newPlace(SERVERS);
    const call = place.start(process.execPath, 'call', 'up__stuck');
    await until(async () => (await place.run('audit', 'tail', '--json')).out.includes('"kind":"intent"'));
    call.child.kill('SIGINT');
    expect(await call.ended).toEqual({ code: 130, out: '', err: 'Interrupted.\n' });
    expect((await place.run('audit', 'tail')).out).toContain('failed cancelled');
  });

  it('with arguments that are no JSON object says so and does nothing', async () => {
    const place = newPlace(SERVERS);
    const [broken, list] = await Promise.all([place.run('call', 'up__echo', '{"a":'), place.run('call', 'up__echo', '[1]')]);
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining('This is not JSON') as string });
    expect(list).toMatchObject({ code: 2, err: expect.stringContaining('Arguments are a JSON object') as string });
  });
});

describe('explain', () => {
  it('says the decision and what each rule said, of a hidden tool too; unknown names end with 1', async () => {
    const place = newPlace(SERVERS + POLICY);
    const [denied, hidden, unknown, nobody] = await Promise.all([
      place.run('explain', 'up__echo', '{"secret":1}', '--as', 'bob'),
      place.run('explain', 'up__picture', '--as', 'bob'),
      place.run('explain', 'up__nothing', '--as', 'bob', '--json'),
      place.run('explain', 'up__echo', '--as', 'bbo'),
    ]);
    expect(denied.code).toBe(0);
    expect(denied.out).toMatch(/^bob -> up\/echo\ndeny: No secrets\./);
    expect(denied.out).toMatch(/^no-fail \*\s+deny\s+yes/m);
    expect(hidden).toMatchObject({ code: 0, out: expect.stringContaining('not shown: Not for bob.') as string });
    expect([unknown.code, (JSON.parse(unknown.out) as { effect: string }).effect]).toEqual([1, 'unknown']);
    expect(nobody).toMatchObject({ code: 1, err: 'There is no caller "bbo". There are: alice, bob.\n' });
  });
});
