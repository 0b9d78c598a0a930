/** Requirements are held by tests: each is cited by one at least, and no test cites what is not there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REQUIREMENTS } from './requirements.ts';

/** A test's first argument, whatever quotes it is in, where it ends in ids. */
const CITATIONS = /\b(?:it|test)(?:\.each\([^)]*\))?\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g;
const IDS = /\[([A-Z]+-\d+)\]/g;

const citations = readdirSync(import.meta.dirname, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) =>
    [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(CITATIONS)].flatMap(([, , name = '']) => [...name.matchAll(IDS)].map(([, id]) => ({ id, file, name }))),
  );

test('each requirement is cited by a test [GROUND-2]', () => {
  const cited = new Set(citations.map(({ id }) => id));
  expect(REQUIREMENTS.filter(({ id }) => !cited.has(id))).toEqual([]);
});

test('each citation is of a requirement [GROUND-2]', () => {
  const known = new Set(REQUIREMENTS.map(({ id }) => id));
  expect(citations.filter(({ id }) => id === undefined || !known.has(id))).toEqual([]);
  expect(citations.length).toBeGreaterThan(REQUIREMENTS.length);
});

test('ids are unique, and each names a sentence and where it comes from [GROUND-2]', () => {
  expect(new Set(REQUIREMENTS.map(({ id }) => id)).size).toBe(REQUIREMENTS.length);
  for (const { id, text, source } of REQUIREMENTS) expect([id, /^.+\.$/.test(text), source !== '']).toEqual([id, true, true]);
});

test('the threat model names tests that are there, and ids that those cite [GROUND-2]', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/threat-model.md'), 'utf8');
  const named = [...page.matchAll(/`([\w/-]+\.test\.ts)` \[([^\]]+)\]/g)].flatMap(([, file, ids = '']) => ids.split(', ').map((id) => ({ file, id })));
  expect(named.length).toBeGreaterThan(25);
  expect(named.filter(({ file, id }) => !citations.some((citation) => citation.file === file && citation.id === id))).toEqual([]);
});
