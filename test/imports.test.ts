import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const ROOMS = ['policies', 'connectors', 'models', 'agent', 'store'];
/** What each folder may import of ours. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  ...Object.fromEntries(ROOMS.map((room) => [room, ['core']])),
  gateway: ['core', ...ROOMS],
};

interface Import {
  readonly file: string;
  readonly target: string;
}

function sourcesOf(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  } catch {
    return [];
  }
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map((match) => ({
    file,
    target: relative(ROOT, resolve(ROOT, dirname(file), match[1] as string)),
  }));
}

const files = Object.keys(MAY_IMPORT).flatMap(sourcesOf);
const imports = files.flatMap(importsOf);

describe('imports', () => {
  it('point one way: gateway -> rooms -> core [GROUND-1]', () => {
    const wrong = imports.filter(({ file, target }) => {
      const from = file.split('/')[0] as string;
      const to = target.split('/')[0] as string;
      return from !== to && !(MAY_IMPORT[from] ?? []).includes(to);
    });
    expect(wrong).toEqual([]);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('enter another folder through its index only [GROUND-1]', () => {
    const wrong = imports.filter(({ file, target }) => {
      const from = file.split('/')[0];
      const to = target.split('/')[0] as string;
      return from !== to && ROOMS.includes(to) && target !== `${to}/index.ts`;
    });
    expect(wrong).toEqual([]);
  });

  it('make no circle, type-only imports included [GROUND-1]', () => {
    const graph = new Map(files.map((file) => [file, importsOf(file).map(({ target }) => target)]));
    expect(findCircle(graph)).toBeUndefined();
  });

  it('a circle would be found', () => {
    expect(findCircle(new Map([['a', ['b']], ['b', ['c']], ['c', ['a']]]))).toEqual(['a', 'b', 'c', 'a']);
  });
});

function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle !== undefined) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
