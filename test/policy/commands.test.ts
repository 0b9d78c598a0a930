/** `signalbox policy test` and `replay` as they are run: words, places, exit codes. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../gateway/config/index.ts';
import { checkExpression } from '../../policies/index.ts';
import { newPlace } from '../cli/support.ts';
import { startGateway } from '../support/gateway.ts';
import { startUpstream, textResult, tool } from '../support/upstream.ts';

const CONFIG = `servers: { files: { url: "http://127.0.0.1:9/mcp" } }
callers:
  - { id: alice, roles: [dev] }
labels: { private: ["files/*"] }
rules:
  - { id: reads, effect: allow, tools: ["files/read_*"], roles: [dev] }
  - id: no-etc
    effect: deny
    when: "has(args.path) && args.path.startsWith('/etc')"
`;
const PASSING = `cases:
  - { name: reads, caller: alice, tool: files/read_file, args: { path: /tmp }, expect: allow, rule: reads }
  - { name: no etc, caller: alice, tool: files/read_file, args: { path: /etc/x }, expect: deny, rule: no-etc, reason: 'denied by rule "no-etc"' }
  - { name: others do not know it, roles: [], tool: files/read_file, expect: hidden }
`;

const caseOf = (more: string) => `cases:\n  - { name: a, tool: files/x, caller: alice, expect: deny, ${more} }\n`;

/** Of a configuration with this in it. */
const problemsOf = (text: string): string[] => {
  const loaded = parseConfig(`servers: { files: { url: "http://127.0.0.1:9/mcp" } }\n${text}`, 'c.yaml', { checkExpression });
  return [...(loaded.ok ? [] : loaded.problems), ...loaded.warnings].map(({ message, hint }) => `${message}. ${hint ?? ''}`);
};

describe('policy test', () => {
  it('passes with 0 and takes the files beside the configuration', async () => {
    const place = newPlace(CONFIG);
    place.write('signalbox.policy-tests.yaml', PASSING);
    place.write('more.policy.yaml', PASSING);
    expect(await place.run('policy', 'test')).toMatchObject({ code: 0, out: '6 cases, all passed.\n', err: '' });
  });

  it('fails with 1, the case, its place, what came, by which rule and where that stands, and what each rule said [POLICY-1]', async () => {
    const place = newPlace(CONFIG);
    place.write('bad.yaml', `${PASSING}  - { name: etc is fine, caller: alice, tool: files/read_file, args: { path: /etc/x }, expect: allow, rule: reads }\n`);
    const { code, out, err } = await place.run('policy', 'test', 'bad.yaml');
    expect([code, err]).toEqual([1, '4 cases, 1 failed\n']);
    expect(out).toContain('bad.yaml:5:5  FAILED  etc is fine\n  expected  allow by rule "reads"\n');
    expect(out).toMatch(/ {2}came {6}deny by rule "no-etc" \(.*signalbox\.yaml:7:5\): denied by rule "no-etc"\n/);
    expect(out).toMatch(/ {2}reads +allow +yes +it has no condition\n {2}no-etc +deny +yes +its condition is true\n/);
    const json = await place.run('policy', 'test', 'bad.yaml', '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, passed: 3, failed: 1, cases: [{}, {}, {}, { name: 'etc is fine', passed: false, file: 'bad.yaml', line: 5, came: { effect: 'deny', rule: 'no-etc' } }] });
  });

  it('says what is wrong with cases, where, and what was meant, with 2', async () => {
    const place = newPlace(CONFIG);
    const said = async (text: string): Promise<string> => {
      place.write('cases.yaml', text);
      const { code, out, err } = await place.run('policy', 'test', 'cases.yaml');
      expect([code, out]).toEqual([2, '']);
      return err;
    };
    expect(await said(caseOf('ruel: x'))).toMatch(/cases\.yaml:2:60 {2}cases\[0\]\.ruel: unknown key\. Did you mean "rule"\?/);
    expect(await said(caseOf('rule: no-ect'))).toMatch(/:2:66 {2}cases\[0\]\.rule: no rule has the name "no-ect"\. Did you mean "no-etc"\?/);
    expect(await said(caseOf('seen: [privat]'))).toMatch(/cases\[0\]\.seen\[0\]: no label has the name "privat"\. Did you mean "private"\?/);
    expect(await said('cases: [{ name: a, tool: fils/x, caller: alic, expect: denied }]')).toMatch(/expected one of allow, ask, deny, hidden, found the text "denied"/);
    expect(await said('cases: [{ name: a, tool: fils/x, caller: alic, expect: deny }]')).toMatch(/Did you mean "files"\?\n.*Did you mean "alice"\?/);
    expect(await said('cases: [')).toMatch(/cases\.yaml:1:\d+ /);
    expect((await newPlace(CONFIG).run('policy', 'test')).err).toContain('signalbox.policy-tests.yaml');
  });
});

describe('policy replay', () => {
  it('tells beside a running gateway, and after it, what a draft of rules alone would change, and writes nothing', async () => {
    const up = await startUpstream({ tools: [tool('read')], onCall: ({ answer }) => answer(textResult('fine')) });
    const config = { servers: { up: up.server }, rules: [{ id: 'base', effect: 'allow' }] };
    const gateway = await startGateway(config);
    for (const args of [{ path: '/etc/passwd' }, { path: '/tmp' }, { path: '/tmp', token: 'hidden' }]) await gateway.client().call('up__read', args);
    await gateway.record('the last outcome', ({ kind }) => kind === 'outcome' && gateway.records().filter((one) => one.kind === 'outcome').length === 3);
    const place = newPlace(JSON.stringify(config));
    place.write('draft.yaml', `rules:\n  - { id: base, effect: allow, tools: ["up/*"] }\n  - { id: no-etc, effect: deny, when: "args.path.startsWith('/etc')" }\n  - { id: tokens, effect: ask, when: "has(args.token) && args.token == 'x'" }\n`);
    const before = gateway.records().length;
    const { code, out, err } = await place.run('policy', 'replay', '--rules', 'draft.yaml', '--data', gateway.dataDir);
    expect([code, err]).toEqual([0, 'note: roles are those that callers have in the configuration now; they are not recorded.\n']);
    expect(out).toMatch(/^3 calls since .*, decided anew by draft\.yaml:\n {2}otherwise +1\n.*\n {2}undecidable +1\n {2}as they were +1\n/);
    expect(out).toMatch(/DECIDED OTHERWISE\n1 {2}allow \(base\) -> deny \(no-etc\)\n {5}\d+ {2}.* {2}local {2}up\/read {2}\{"path":"\/etc\/passwd"\}\n/);
    expect(out).toMatch(/UNDECIDABLE\n1 {2}"tokens" read arguments that were not recorded as they came\n.*"token":"\[redacted\]"/);
    expect(gateway.records()).toHaveLength(before);
    await gateway.close();
    const json = await place.run('policy', 'replay', '--rules', 'draft.yaml', '--data', gateway.dataDir, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ calls: 3, unchanged: 1, changed: [{ from: { effect: 'allow' }, to: { effect: 'deny', rule: 'no-etc' } }], undecidable: [{}] });
    const none = await place.run('policy', 'replay', '--since', '2099-01-01', '--data', gateway.dataDir, '--json');
    expect(JSON.parse(none.out)).toMatchObject({ calls: 0 });
  });

  it('says what is wrong with a draft and with a time, with 2', async () => {
    const place = newPlace(CONFIG);
    place.write('draft.yaml', 'rules: [{ id: a, effect: alow }]\n');
    expect(await place.run('policy', 'replay', '--rules', 'draft.yaml')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "allow"?') });
    expect(await place.run('policy', 'replay', '--since', 'yesterday')).toMatchObject({ code: 2, err: expect.stringContaining('7d') });
    place.write('good.yaml', 'rules: [{ id: a, effect: allow, roles: [dev], tools: ["files/*"] }]\n');
    expect(await place.run('policy', 'replay', '--rules', 'good.yaml')).toMatchObject({ code: 1, err: expect.stringContaining('There is no ledger') });
  });
});

describe('explain', () => {
  it('shows labels, what the server says as a hint only, and what would be where labels were touched before', async () => {
    const up = await startUpstream({ tools: [{ ...tool('send'), annotations: { openWorldHint: true } }] });
    const rules = [{ id: 'base', effect: 'allow' }, { id: 'leak', effect: 'deny', when: "'private' in flow.seen && 'external' in tool.labels" }, { id: 'draft', effect: 'ask', mode: 'shadow' }];
    const gateway = await startGateway({ servers: { up: up.server }, rules, labels: { external: ['up/*'] } });
    const place = newPlace();
    const ran = (...more: string[]) => place.run('explain', 'up/send', '--data', gateway.dataDir, ...more);
    const plain = await ran();
    expect(plain.out).toMatch(/^local -> up\/send\nallow: .*\nlabels: external\nthe server says \(a hint, decides nothing\): \{"openWorldHint":true\}\n/);
    expect(plain.out).toMatch(/leak +deny +no +its condition is false\ndraft +ask \(shadow\) +yes +it has no condition\n/);
    expect((await ran('--seen', 'private')).out).toMatch(/\ndeny: denied by rule "leak"/);
  });
});

describe('the policy of a small team', () => {
  const dir = resolve(import.meta.dirname, '../../examples/team');

  it('is valid and fits on a screen', () => {
    const text = readFileSync(join(dir, 'signalbox.yaml'), 'utf8');
    expect(parseConfig(text, 'signalbox.yaml', { checkExpression })).toMatchObject({ ok: true, warnings: [] });
    expect(text.split('\n').length).toBeLessThan(45);
  });

  it('passes its own cases', async () => {
    expect(await newPlace().run('policy', 'test', '-c', join(dir, 'signalbox.yaml'))).toMatchObject({ code: 0, out: expect.stringContaining('all passed') });
  });
});

describe('what the configuration says of rules and labels', () => {
  it('members of asking go with asking only, and each other', () => {
    expect(problemsOf('rules: [{ id: a, effect: deny, approvers: [self] }]')).toEqual(['goes only with "effect: ask". ']);
    expect(problemsOf('rules: [{ id: a, effect: ask, rememberFor: 1h }]')).toEqual(['goes only with "remember: until". ']);
    expect(problemsOf('rules: [{ id: a, effect: ask, remember: until }]')).toEqual([expect.stringContaining('needs a "rememberFor"')]);
    expect(problemsOf('rules: [{ id: a, effect: ask, approvers: [] }]')).toEqual([expect.stringContaining('nobody could approve')]);
    expect(problemsOf('rules: [{ id: a, effect: ask, approvers: [selv] }]')).toEqual(['no caller has the role "selv". Did you mean "self"?']);
    expect(problemsOf('rules: [{ id: a, effect: ask, approvers: [self], remember: until, rememberFor: 8h, expiresIn: 5min }]')).toEqual([]);
  });

  it('labels that no tool bears, and patterns that match nothing, are told', () => {
    expect(problemsOf(`labels: { private: ["files/*"] }\nrules: [{ id: a, effect: ask, when: "'privat' in flow.seen" }]`)).toEqual(['no tool bears the label "privat". Did you mean "private"?']);
    expect(problemsOf('labels: { private: ["fils/*"] }')).toEqual([expect.stringContaining('Did you mean "files/*"?')]);
    expect(problemsOf('rules: [{ id: a, effect: ask, when: "flow.sen == []" }]')).toEqual([expect.stringContaining('did you mean "seen"?')]);
  });
});
