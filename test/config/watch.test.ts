import { appendFileSync, closeSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { formatProblems, loadConfig, watchConfig, type Problem } from '../../gateway/config/index.ts';
import { fileWith, temporaryFolder, until } from './support.ts';

const config = (command: string) => `servers: { a: { command: ${command} } }\n`;

function watching(path: string) {
  const first = loadConfig(path);
  const commands: string[] = [];
  const problems: (readonly Problem[])[] = [];
  const watch = watchConfig({
    path,
    ...(first.ok ? { currentHash: first.settings.hash } : {}),
    intervalMs: 10,
    settleMs: 60,
    onChange: ({ servers: [server] }) => commands.push(server?.type === 'stdio' ? server.command : '?'),
    onProblem: (found) => problems.push(found),
  });
  onTestFinished(() => watch.close());
  return { watch, commands, problems };
}

test('a change is handed on, written in place or renamed over the file', async () => {
  const path = fileWith(config('one'));
  const { commands, problems } = watching(path);
  writeFileSync(path, config('two'));
  await until(() => commands.length === 1);
  writeFileSync(`${path}.swp`, config('three'));
  renameSync(`${path}.swp`, path);
  await until(() => commands.length === 2);
  rmSync(path);
  writeFileSync(path, config('four'));
  await until(() => commands.at(-1) === 'four');
  expect(commands.slice(0, 2)).toEqual(['two', 'three']);
  expect(problems.flat().filter(({ message }) => !message.includes('does not exist'))).toEqual([]);
});

test('a replaced symbolic link is a change', async () => {
  const folder = temporaryFolder();
  for (const name of ['one', 'two']) writeFileSync(join(folder, name), config(name));
  const path = join(folder, 'signalbox.yaml');
  symlinkSync('one', path);
  const { commands } = watching(path);
  symlinkSync('two', `${path}.new`);
  renameSync(`${path}.new`, path);
  await until(() => commands.length === 1);
  expect(commands).toEqual(['two']);
});

test('a file that is being written is read when it is whole, not while it grows', async () => {
  const path = fileWith(config('one'));
  const { commands, problems } = watching(path);
  // Every prefix that ends with a line is valid by itself, and means something else.
  const descriptor = openSync(path, 'w');
  for (let at = 0; at < 30; at++) {
    writeSync(descriptor, at === 0 ? config('two') : `# ${at}\n`);
    await new Promise((resolve) => setTimeout(resolve, 3)); // a slow writer
  }
  writeSync(descriptor, 'rules: [{ id: r, effect: deny }]\n');
  closeSync(descriptor);
  await until(() => commands.length > 0);
  expect(commands).toEqual(['two']);
  expect(problems).toEqual([]);
});

test('what is broken is reported once and changes nothing, and what is repaired counts again [CONF-3]', async () => {
  const path = fileWith(config('one'));
  const { commands, problems } = watching(path);
  writeFileSync(path, 'servers: { a: { comand: two } }\n');
  await until(() => problems.length === 1);
  expect(formatProblems(problems[0] ?? [])).toContain('Did you mean "command"?');
  appendFileSync(path, '# still broken\n');
  writeFileSync(join(dirname(path), 'other'), '');
  rmSync(path);
  await until(() => problems.length === 2);
  expect(formatProblems(problems[1] ?? [])).toContain('the file does not exist');
  expect(commands).toEqual([]);
  writeFileSync(path, config('three'));
  await until(() => commands.length === 1);
  expect(commands).toEqual(['three']);
});

test('an edit that changes no meaning is not handed on', async () => {
  const path = fileWith(config('one'));
  const { watch, commands } = watching(path);
  writeFileSync(path, `# first\n${config('"one"')}# last\n`);
  expect(watch.reload().ok).toBe(true);
  expect(commands).toEqual([]);
  writeFileSync(path, config('two'));
  await until(() => commands.length > 0);
  expect(commands).toEqual(['two']);
});

test('reload reads at once, reports, and says what it found', () => {
  const path = fileWith(config('one'));
  const { watch, commands, problems } = watching(path);
  writeFileSync(path, config('two'));
  expect(watch.reload().ok).toBe(true);
  expect(commands).toEqual(['two']);
  writeFileSync(path, ':');
  expect(watch.reload().ok).toBe(false);
  expect(problems).toHaveLength(1);
  expect(commands).toEqual(['two']);
});

test('after close nothing is reported', async () => {
  const path = fileWith(config('one'));
  const { watch, commands, problems } = watching(path);
  watch.close();
  writeFileSync(path, config('two'));
  watch.reload();
  const second = watching(path);
  writeFileSync(path, config('three'));
  await until(() => second.commands.length === 1);
  expect([commands, problems]).toEqual([[], []]);
});
