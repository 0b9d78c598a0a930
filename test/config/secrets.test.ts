import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MissingSecret } from '../../core/settings.ts';
import { createSecretSource } from '../../gateway/config/index.ts';
import { temporaryFolder } from './support.ts';

const source = (env: Record<string, string>, baseDir = '/nowhere') => createSecretSource({ env, baseDir });

test('references are replaced wherever they stand, and "$${" is a plain "${"', () => {
  expect(source({ A: '1', B_2: '${env:A}' }).resolve('x ${env:A}${env:B_2} $5 $${env:A} $ {')).toBe('x 1${env:A} $5 ${env:A} $ {');
});

test('a default stands in for a variable that is missing or empty', () => {
  expect(source({ E: '', S: 's' }).resolve('${env:M:-a:-b}|${env:E:-e}|${env:S:-x}|${env:M:-}')).toBe('a:-b|e|s|');
});

test('a file is read anew each time, from the folder of the configuration, without its last line break', () => {
  const folder = temporaryFolder();
  const secrets = source({}, folder);
  writeFileSync(join(folder, 'token'), 'one\r\n');
  expect(secrets.resolve('Bearer ${file:token}')).toBe('Bearer one');
  writeFileSync(join(folder, 'token'), 'two\n\n');
  expect(secrets.resolve('${file:./token}')).toBe('two\n');
});

test('what is missing is named, and a value never is [CONF-4]', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'empty'), '\n');
  writeFileSync(join(folder, 'large'), 'x'.repeat(70_000));
  const secrets = source({ EMPTY: '', SET: 'hunter2' }, folder);
  const cases: [string, RegExp][] = [
    ['${env:SET}${env:MISSING}', /^the environment variable MISSING is not set; "\$\{env:MISSING\}" needs it$/],
    ['${env:EMPTY}', /EMPTY is empty/],
    ['${env:toString}', /toString is not set/],
    ['${file:nothere}', /nothere does not exist/],
    ['${file:dir}', /is a folder/],
    ['${file:empty}', /empty is empty/],
    ['${file:large}', /larger than 65536 bytes/],
    ['${env:SET}${hunter3}', /neither \$\{env:NAME\} nor \$\{file:PATH\}/],
    ['${env:SET', /neither/],
  ];
  for (const [text, words] of cases) {
    let thrown: unknown;
    try {
      secrets.resolve(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown, text).toBeInstanceOf(MissingSecret);
    expect((thrown as Error).message).toMatch(words);
    expect((thrown as Error).message).not.toContain('hunter');
  }
});
