/** `signalbox pins` as a person and as CI use it: the real program, without a gateway and beside one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newPlace, until } from '../cli/support.ts';
import { changingServer, honest } from './support.ts';

const configOf = (server: object, more = ''): string => `data: ./data\nlisten: { port: 0 }\npins: { mode: enforce, recheck: 0s }\nservers:\n  up: ${JSON.stringify(server)}\n${more}`;

test('diff fails a build until everything was reviewed, and shows what changed word by word and member by member [PIN-7]', async () => {
  const up = changingServer([honest('echo'), honest('other')]);
  const place = newPlace(configOf(up.server));
  const fresh = await place.run('pins', 'diff');
  expect([fresh.code, fresh.out]).toEqual([1, expect.stringContaining('up/echo  new, quarantined: it has not been reviewed')]);
  expect(fresh.out).toContain('+ /inputSchema/properties/path/description  "A path"');
  const approved = await place.run('pins', 'approve', 'up/*');
  expect([approved.code, approved.out]).toEqual([0, 'approved  up/echo\napproved  up/other\n']);
  expect((await place.run('pins', 'diff')).code).toBe(0);

  up.setTools([
    honest('echo', { description: 'Does what "echo" asks.\u202e', inputSchema: { type: 'object', properties: { path: { type: 'string', description: 'A path' }, context: { type: 'string' } } }, annotations: { readOnlyHint: false } }),
    honest('other'),
  ]);
  const changed = await place.run('pins', 'diff');
  expect(changed.code).toBe(1);
  expect(changed.out).toContain('up/echo  changed, quarantined: it is no longer what was reviewed');
  expect(changed.out).toContain('~ /description  Does what "echo" [-says-]{+asks+}.{+\\u202e+}');
  expect(changed.out).toContain('+ /inputSchema/properties/context  {"type":"string"}');
  expect(changed.out).toContain('~ /annotations/readOnlyHint  true -> false');
  expect(changed.out).toContain('! HIGH  /description  1 character that reverses the reading direction (U+202E)');
  expect(changed.out).not.toContain('up/other');
  expect(changed.out).not.toContain('\u202e');

  // A pattern does not take what looks hostile; its name does.
  const skipped = await place.run('pins', 'approve', '*');
  expect([skipped.code, skipped.out, skipped.err]).toEqual([1, '', expect.stringContaining('not approved  up/echo')]);
  expect((await place.run('pins', 'approve', 'up/echo')).code).toBe(0);
  expect((await place.run('pins', 'diff', '--json')).code).toBe(0);
  const list = await place.run('pins', 'list');
  expect([list.code, list.out]).toEqual([0, expect.stringMatching(/up\/echo +pinned +clear/)]);
  up.setTools([honest('other')]);
  expect((await place.run('pins', 'diff')).out).toContain('up/echo  gone');
  expect((await place.run('pins', 'reject', 'up/echo')).out).toBe('rejected  up/echo\n');
  expect((await place.run('pins', 'approve', 'up/absent')).code).toBe(2);
});

test('a server that does not answer, and a lock file that cannot be read, fail a build too [PIN-7]', async () => {
  const place = newPlace(configOf({ command: 'no-such-program-here' }));
  const away = await place.run('pins', 'diff');
  expect([away.code, away.err]).toEqual([1, expect.stringContaining('Not looked at: the tools of server "up"')]);
  const up = changingServer([honest('echo')]);
  const other = newPlace(configOf(up.server));
  writeFileSync(join(other.dir, 'signalbox.lock'), '{');
  const broken = await other.run('pins', 'diff');
  expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('CANNOT BE READ')]);
  const refused = await other.run('pins', 'approve', 'up/echo');
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('Correct it first')]);
  expect(readFileSync(join(other.dir, 'signalbox.lock'), 'utf8')).toBe('{');
});

test('beside a gateway that runs, an approval is in force when the command ends, and status says what is held [PIN-7]', async () => {
  const up = changingServer([honest('echo')]);
  const place = newPlace(configOf(up.server));
  const serving = place.start(process.execPath, 'serve');
  await until(() => serving.out().includes('listening'));
  const status = await place.run('status');
  expect(status.out).toContain('1 QUARANTINED');
  expect(status.out).toMatch(/up\/echo +quarantined +it has not been reviewed/);
  expect((await place.run('explain', 'up/echo')).out).toContain('quarantined: it has not been reviewed');
  expect((await place.run('call', 'up__echo')).code).toBe(4);
  expect((await place.run('pins', 'approve', 'up/echo')).code).toBe(0);
  expect(await place.run('call', 'up__echo')).toMatchObject({ code: 0, out: 'done\n' });
  expect(up.executed()).toEqual(['echo']);
});
