/** Reading a configuration that may be wrong anywhere: members of the expected kind, nothing else. */
import type { Path } from './problem.ts';
import type { Report } from './report.ts';

export type Block = Record<string, unknown>;

export const isBlock = (value: unknown): value is Block => typeof value === 'object' && value !== null && !Array.isArray(value);

export const member = (block: Block, key: string): unknown => (Object.hasOwn(block, key) ? block[key] : undefined);

/** The blocks of a map of blocks. */
export function blocksIn(config: Block, key: string): [id: string, block: Block][] {
  const value = member(config, key);
  return isBlock(value) ? Object.entries(value).filter((entry): entry is [string, Block] => isBlock(entry[1])) : [];
}

/** The blocks of a list of blocks, with their index. */
export function blocksOf(config: Block, key: string): [index: number, block: Block][] {
  const value = member(config, key);
  return Array.isArray(value) ? [...value.entries()].filter((entry): entry is [number, Block] => isBlock(entry[1])) : [];
}

/** The texts of a list, with their index. */
export function textsOf(block: Block, key: string): [index: number, text: string][] {
  const value = member(block, key);
  return Array.isArray(value) ? [...value.entries()].filter((entry): entry is [number, string] => typeof entry[1] === 'string') : [];
}

export function textOf(block: Block, key: string): string | undefined {
  const value = member(block, key);
  return typeof value === 'string' ? value : undefined;
}

/** The texts of a map, by name. */
export function textsIn(block: Block, key: string): [name: string, text: string][] {
  const value = member(block, key);
  return isBlock(value) ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : [];
}

/** Names of one kind: none twice, none that differs from another only by case. */
export function checkUnique(names: readonly (readonly [name: string, path: Path])[], kind: string, at: 'key' | 'value', report: Report): void {
  const seen = new Map<string, string>();
  for (const [name, path] of names) {
    const folded = name.normalize('NFKC').toLowerCase();
    const before = seen.get(folded);
    if (before === undefined) seen.set(folded, name);
    else if (before === name) report.problem(path, at, `another ${kind} has this id already`, 'Give each its own.');
    else report.problem(path, at, `differs only by case from the ${kind} "${before}"`, 'Give it a name that cannot be taken for the other.');
  }
}
