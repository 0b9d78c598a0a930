/** The tree is the one of RFC 9162: its known vectors, and what holds for trees of any size. */
import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, consistencyPath, createRange, hashAt, hashFromHex, inclusionPath, inclusionRoot, isConsistent, leafHash, type Hash } from '../../store/index.ts';

const hex = (...hashes: readonly Hash[]): string[] => hashes.map((one) => bytesOf(one).toString('hex'));

/** The eight entries, roots and paths that implementations of certificate transparency are tried with. */
const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const known = ENTRIES.map((entry) => hashFromHex(leafHash(Buffer.from(entry, 'hex').toString())));
const knownAt = (index: number): Hash => known[index] as Hash;

test('roots of the known trees are the known ones [REGISTER-1]', () => {
  const range = createRange();
  expect(hex(range.root())).toEqual([ROOTS[0]]);
  for (const [index, leaf] of known.entries()) {
    range.add(leaf);
    expect(hex(range.root())).toEqual([ROOTS[index + 1]]);
  }
});

const NODES = {
  leaf1: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  leaves23: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  leaves4to7: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  leaf4: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  leaves67: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  leaves45: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
} as const;

test.each([
  [0, 1, []],
  [0, 8, [NODES.leaf1, NODES.leaves23, NODES.leaves4to7]],
  [5, 8, [NODES.leaf4, NODES.leaves67, ROOTS[4]]],
  [2, 3, [ROOTS[2]]],
  [1, 5, [ROOTS[1], NODES.leaves23, NODES.leaf4]],
])('the path of leaf %i in the known tree of %i is the known one [REGISTER-1]', (index, size, path) => {
  expect(hex(...inclusionPath(knownAt, index, size))).toEqual(path);
});

test.each([
  [1, 1, []],
  [1, 8, [NODES.leaf1, NODES.leaves23, NODES.leaves4to7]],
  [6, 8, [NODES.leaves45, NODES.leaves67, ROOTS[4]]],
  [2, 5, [NODES.leaves23, NODES.leaf4]],
])('the path from the known tree of %i to that of %i is the known one [REGISTER-1]', (from, to, path) => {
  expect(hex(...consistencyPath(knownAt, from, to))).toEqual(path);
});

const leaf = (index: number): Hash => hash('sha256', `leaf ${index}`, 'binary');
const rootOf = (size: number): Hash => {
  const range = createRange();
  for (let index = 0; index < size; index += 1) range.add(leaf(index));
  return range.root();
};
const sizes = fc.integer({ min: 1, max: 300 });
/** A path with one thing about it changed. */
const spoilt = (path: readonly Hash[], where: number): Hash[][] => [
  [...path, leaf(where)],
  path.slice(0, -1),
  path.map((node, at) => (at === where % path.length ? leaf(where + 1000) : node)),
];

test('a path proves its leaf, in its place, in its tree, and nothing else', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), (size, number) => {
      const index = number % size;
      const path = inclusionPath(leaf, index, size);
      expect(inclusionRoot(leaf(index), index, size, path)).toBe(rootOf(size));
      expect(inclusionRoot(leaf(index + 1), index, size, path)).not.toBe(rootOf(size));
      if (size > 1) {
        expect(inclusionRoot(leaf(index), (index + 1) % size, size, path)).not.toBe(rootOf(size));
        for (const other of spoilt(path, number)) expect(inclusionRoot(leaf(index), index, size, other)).not.toBe(rootOf(size));
      }
      expect(inclusionRoot(leaf(index), size, size, path)).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});

test('a path proves that one tree begins with another, and nothing else', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), (to, number) => {
      const from = (number % to) + 1;
      const path = consistencyPath(leaf, from, to);
      const [older, newer] = [rootOf(from), rootOf(to)];
      expect(isConsistent(from, older, to, newer, path)).toBe(true);
      expect(isConsistent(from, leaf(0), to, newer, path)).toBe(from === 1);
      expect(isConsistent(from, older, to, leaf(1), path)).toBe(false);
      for (const other of spoilt(path, number)) if (other.length !== path.length || path.length > 0) expect(isConsistent(from, older, to, newer, other)).toBe(false);
    }),
    { numRuns: 100 },
  );
});

test('a tree goes on from the few hashes that were kept of it, and from no others', () => {
  fc.assert(
    fc.property(sizes, sizes, (size, more) => {
      const whole = createRange();
      for (let index = 0; index < size; index += 1) whole.add(leaf(index));
      const resumed = createRange(whole.size, whole.bytes());
      for (let index = size; index < size + more; index += 1) for (const range of [whole, resumed]) range.add(leaf(index));
      expect(resumed.root()).toBe(whole.root());
      expect(() => createRange(size, Buffer.concat([whole.bytes(), Buffer.alloc(31)]))).toThrow(RangeError);
    }),
    { numRuns: 50 },
  );
  expect(hashAt(bytesOf(leaf(1), leaf(2)), 32)).toBe(leaf(2));
});
