/** The search index against the ledger that it is made of: whatever is asked, it answers what going through all records would. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { array, assert, boolean, constantFrom, integer, option, property, record, asyncProperty } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeLedger } from '../../bench/fixtures/records.ts';
import { LEDGER_FILE, openSearch, SEARCH_FILE, searchQuestion, type SearchFilter } from '../../store/index.ts';
import { append, joinedRecords, naiveSearch, openIndex, searchAll, temporaryDir } from './support.ts';

const CALLS = ['c1', 'c2', 'c3'];
const some = <T>(arbitrary: Parameters<typeof option<T>>[0]) => option(arbitrary, { nil: undefined });

const records = array(
  record({
    kind: constantFrom('intent', 'intent', 'outcome', 'outcome', 'refused', 'unknown', 'start', 'keys', 'purge'),
    time: integer({ min: 1, max: 40 }),
    call: constantFrom(...CALLS),
    caller: constantFrom('alice', 'bob'),
    tool: constantFrom('files/read', 'files/write', 'mail/send'),
    effect: constantFrom('allow', 'ask', 'deny'),
    rule: some(constantFrom('r1', 'r2')),
    code: some(constantFrom('denied', 'approval_required')),
    outcome: constantFrom('completed', 'failed'),
    session: some(constantFrom('s1', 's2')),
    trace: some(constantFrom('t1')),
    words: array(constantFrom('Alpha', 'beta/gamma', 'delta7', 'naïve', '{"x":1}'), { maxLength: 3 }),
    from: integer({ min: 1, max: 20 }),
    length: integer({ min: 0, max: 6 }),
    isNamed: boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

function bodyOf(one: Parameters<Parameters<typeof records.map>[0]>[0][number]): object {
  const { kind, time, call, caller, tool, effect, rule, code, outcome, session, trace, words, from, length, isNamed } = one;
  switch (kind) {
    case 'intent':
    case 'refused':
      return { kind, time, call, caller, session, trace, name: 'n', ...(isNamed ? { tool } : {}), args: { words }, effect, rule, ...(kind === 'refused' ? { code } : {}) };
    case 'outcome':
      return { kind, time, call, outcome, ...(outcome === 'failed' ? { code: 'upstream_error' } : { isError: isNamed }), totalMs: time };
    case 'unknown':
      return { kind, time, call };
    case 'purge':
      // What lies between the ranges was kept.
      return { kind, time, from, to: from + length, ...(isNamed ? { ranges: [[from, from], [from + length, from + length]] } : {}) };
    default:
      return { kind, time, caller };
  }
}

const filters = record<SearchFilter>(
  {
    caller: constantFrom('alice', 'bob', 'nobody'),
    tool: constantFrom('files/*', 'files/read', '*', '*/send', 'none/*'),
    server: constantFrom('files', 'mail', 'file'),
    decision: constantFrom('allow', 'ask', 'deny'),
    rule: constantFrom('r1', 'r2'),
    outcome: constantFrom('completed', 'failed', 'refused', 'unknown', 'waiting', 'open'),
    code: constantFrom('denied', 'approval_required', 'upstream_error'),
    call: constantFrom(...CALLS),
    session: constantFrom('s1', 's2'),
    trace: constantFrom('t1'),
    since: integer({ min: 0, max: 41 }),
    until: integer({ min: 0, max: 41 }),
    text: constantFrom('alpha', 'gamma', 'DELTA7 beta', 'del*', 'missing', 'words', 'x'),
  },
  { requiredKeys: [] },
);

describe('a search', () => {
  test('finds what going through all records finds, whatever is asked, however it was brought up to date [SEARCH-1]', async () => {
    await assert(
      asyncProperty(records, array(filters, { minLength: 3, maxLength: 8 }), integer({ min: 1, max: 9 }), integer({ min: 1, max: 20 }), integer({ min: 0, max: 60 }), async (made, asked, limit, sliceRecords, first) => {
        const dir = temporaryDir();
        const bodies = made.map(bodyOf);
        append(dir, bodies.slice(0, first));
        const index = openSearch(dir);
        try {
          await index.update({ sliceRecords });
          append(dir, bodies.slice(first));
          await index.update({ sliceRecords });
          const all = joinedRecords(dir);
          for (const filter of [{}, ...asked]) {
            const expected = naiveSearch(all, filter);
            const found = searchAll(index, filter, limit);
            expect(found.map(({ seq }) => seq)).toEqual(expected.map(({ seq }) => seq));
            expect(found).toEqual(expected.map((entry) => expect.objectContaining(entry)));
            expect([...index.scan(filter)]).toEqual(found.toReversed());
          }
        } finally {
          index.close();
        }
      }),
      { numRuns: 50 },
    );
  });

  test('finds words in any letters, by their beginning too, and none in hashes [SEARCH-1]', async () => {
    const dir = temporaryDir();
    const said = ['Grüße aus KÖLN', 'ﬁle １２３', '漢字かな', 'emoji 🙂 end', 'a\nb', '"quoted" AND NOT (x*)', '9007199254740993'];
    append(dir, said.map((text, at) => ({ kind: 'refused', time: at, call: `c${at}`, caller: 'alice', args: { text }, argsHmac: 'cafe', fingerprint: 'beef' })));
    const index = openIndex(dir);
    await index.update();
    const seqs = (text: string): number[] => searchAll(index, { text }, 50).map(({ seq }) => seq);
    expect(seqs('grusse')).toEqual([]);
    expect(seqs('grüße köln')).toEqual([1]);
    expect(seqs('gruß*')).toEqual([1]);
    expect(seqs('FILE 123')).toEqual([2]);
    expect([seqs('字'), seqs('漢か')]).toEqual([[3], [3]]);
    expect(seqs('emoji end')).toEqual([4]);
    expect(seqs('b')).toEqual([5]);
    expect(seqs('"not" x')).toEqual([6]);
    expect(seqs('9007199254740993')).toEqual([7]);
    expect([seqs('cafe'), seqs('beef')]).toEqual([[], []]);
    expect(seqs('alice')).toHaveLength(said.length);
    expect([searchQuestion('***'), searchQuestion('')]).toEqual([undefined, undefined]);
  });
});

/** Each filter, with what it should begin with. */
const BEGINS: readonly (readonly [SearchFilter, RegExp])[] = [
  [{ caller: 'caller3' }, /USING INDEX by_caller \(caller=\? AND rowid/],
  [{ tool: 'server1/tool1' }, /USING INDEX by_tool \(tool=\? AND rowid/],
  [{ tool: 'server1/*' }, /USING INDEX by_tool/],
  [{ server: 'server7' }, /USING INDEX by_tool/],
  [{ decision: 'deny' }, /USING INDEX by_effect \(effect=\? AND rowid/],
  [{ rule: 'deny1' }, /USING INDEX by_rule \(rule=\? AND rowid/],
  [{ outcome: 'failed' }, /USING INDEX by_outcome \(outcome=\? AND rowid/],
  [{ code: 'denied' }, /USING INDEX by_code \(code=\? AND rowid/],
  [{ text: 'word1' }, /SCAN found VIRTUAL TABLE INDEX.*\| SEARCH entries USING INTEGER PRIMARY KEY \(rowid=\?\)$/],
];

describe('on twenty thousand records', () => {
  test('every filter begins with an index, yields in order, and keeps to the time that is asked for [SEARCH-2]', async () => {
    const dir = temporaryDir();
    makeLedger(dir, { records: 20_000 });
    const index = openIndex(dir);
    await index.update();
    const all = joinedRecords(dir);
    const { first: one } = all.findLast(({ first }) => first['approval'] !== undefined && first['trace'] !== undefined) as (typeof all)[number];
    const rare = ['call', 'session', 'trace', 'approval'].map((name) => [{ [name]: one[name] }, new RegExp(`USING INDEX by_${name} `)] as const);
    const since = Number(all.at(-2000)?.first['time']);
    const until = Number(all.at(-1000)?.first['time']);
    for (const [filter, begins] of [...BEGINS, ...rare]) {
      for (const times of [{}, { since }, { until }, { since, until }]) {
        const asked = { ...filter, ...times };
        expect(index.explain(asked, 50).join(' | ')).toMatch(begins);
        expect(searchAll(index, asked, 50).map(({ seq }) => seq)).toEqual(naiveSearch(all, asked).map(({ seq }) => seq));
      }
    }
    // A time alone is a place in the ledger, found without looking at its records.
    expect(index.explain({ since }, 50)).toEqual(['SEARCH entries USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)']);
  });
});

describe('the index', () => {
  const three = [{ kind: 'start', time: 1 }, { kind: 'intent', time: 2, call: 'c1', caller: 'alice' }, { kind: 'outcome', time: 3, call: 'c1', outcome: 'completed', isError: false }];

  test('reads only what is new, and is made anew where it is not of this ledger, is damaged or of another version [SEARCH-3]', async () => {
    const dir = temporaryDir();
    append(dir, three);
    const read: number[] = [];
    const update = async (): Promise<number[]> => {
      const index = openSearch(dir);
      try {
        await index.update({ sliceRecords: 2, onProgress: ({ reached }) => read.push(reached) });
        return searchAll(index, {}, 50).map(({ seq }) => seq);
      } finally {
        index.close();
      }
    };
    expect([await update(), read.splice(0)]).toEqual([[2, 1], [2, 3]]);
    expect([await update(), read.splice(0)]).toEqual([[2, 1], []]);
    append(dir, [{ kind: 'stop', time: 4 }]);
    expect([await update(), read.splice(0)]).toEqual([[4, 2, 1], [4]]);

    const path = join(dir, SEARCH_FILE);
    const kept = readFileSync(path);
    writeFileSync(path, 'this is no database, and long enough to be looked at'.repeat(50));
    expect([await update(), read.splice(0)]).toEqual([[4, 2, 1], [2, 4]]);
    expect(kept.length).toBeGreaterThan(0);
    const db = new Database(path);
    db.pragma('user_version = 99');
    db.close();
    expect([await update(), read.splice(0)]).toEqual([[4, 2, 1], [2, 4]]);

    // Another ledger in its place, and one that is shorter.
    const other = temporaryDir();
    append(other, [{ kind: 'start', time: 9 }]);
    for (const suffix of ['', '-wal', '-shm']) writeFileSync(join(dir, LEDGER_FILE) + suffix, suffix === '' ? readFileSync(join(other, LEDGER_FILE)) : '');
    expect(await update()).toEqual([1]);
  });

  test('is for its owner alone, and several that bring it up to date at once come to the same end [SEARCH-3]', async () => {
    const dir = temporaryDir();
    makeLedger(dir, { records: 3000 });
    const indexes = [openIndex(dir), openIndex(dir), openIndex(dir)];
    await Promise.all(indexes.map((index) => index.update({ sliceRecords: 100 })));
    const expected = naiveSearch(joinedRecords(dir), {}).map(({ seq }) => seq);
    for (const index of indexes) expect([...index.scan({})].map(({ seq }) => seq)).toEqual(expected.toReversed());
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(join(dir, SEARCH_FILE) + suffix).mode & 0o777).toBe(0o600);
  });

  test('keeps nothing of records that were purged, in its answers or in its file [SEARCH-4]', async () => {
    const dir = temporaryDir();
    const secret = 'zanzibarcanary';
    append(dir, [
      { kind: 'intent', time: 1, call: 'c1', caller: `${secret}caller`, tool: 'files/read', args: { path: secret } },
      { kind: 'outcome', time: 2, call: 'c1', outcome: 'completed', isError: false },
      { kind: 'intent', time: 3, call: 'c2', caller: 'bob', tool: 'files/read', args: { path: 'kept' } },
    ]);
    const index = openSearch(dir);
    await index.update();
    expect(searchAll(index, { text: secret }, 50)).toHaveLength(1);
    append(dir, [{ kind: 'purge', time: 4, from: 1, to: 2 }]);
    await index.update();
    expect(searchAll(index, { text: secret }, 50)).toEqual([]);
    expect(searchAll(index, {}, 50).map(({ seq }) => seq)).toEqual([4, 3]);
    index.close();
    expect(readFileSync(join(dir, SEARCH_FILE)).includes(secret)).toBe(false);
  });
});

test('words are words on both sides: what is asked for is never taken for a query of SQLite', () => {
  assert(
    property(array(constantFrom('a', 'B*', '"', "'", 'NEAR(', 'OR', 'ö', '-x', ':', '字', '\u0000', '*'), { maxLength: 8 }), (parts) => {
      expect(searchQuestion(parts.join(' ')) ?? '"a"').toMatch(/^"[^"]+"( \*)?( AND "[^"]+"( \*)?)*$/);
    }),
  );
});
