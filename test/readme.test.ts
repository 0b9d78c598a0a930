import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../gateway/config/index.ts';
import { VERSION } from '../gateway/version.ts';
import { checkExpression } from '../policies/index.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');

describe('what a newcomer reads', () => {
  it('holds configurations that are valid', () => {
    const blocks = [...read('README.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] as string);
    expect(blocks.length).toBeGreaterThan(0);
    for (const text of blocks) {
      expect(parseConfig(text, 'README.md', { checkExpression })).toMatchObject({ ok: true, warnings: [] });
    }
  });

  it('leads to a demo that is valid', () => {
    const text = read('examples/demo/signalbox.yaml');
    expect(parseConfig(text, 'signalbox.yaml', { checkExpression })).toMatchObject({ ok: true, warnings: [] });
  });

  it('names pages that are there', () => {
    const pages = [...read('README.md').matchAll(/\]\((docs\/[^)]+\.md)\)/g)].map((match) => match[1] as string);
    expect(pages.length).toBeGreaterThan(8);
    for (const page of pages) expect(read(page).length).toBeGreaterThan(100);
  });

  it('is of the version that the program says it is', () => {
    expect((JSON.parse(read('package.json')) as { version: string }).version).toBe(VERSION);
  });
});
