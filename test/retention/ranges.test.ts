/** Ranges of records: cut into pieces without loss, and held against what is missing. */
import { array, assert, constantFrom, integer, property, record, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { Purges } from '../../store/ledger/verify-purges.ts';
import { slicesOf, type SeqRange } from '../../store/index.ts';

const seqsOf = (ranges: readonly SeqRange[]): number[] => ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));

/** Ascending, none touching another. */
const apart = array(tuple(integer({ min: 2, max: 9 }), integer({ min: 0, max: 40 })), { maxLength: 12 }).map((steps) => {
  let end = 0;
  return steps.map(([gap, length]): SeqRange => [end + gap, (end += gap + length)]);
});

test('pieces of ranges are all of them, in order, and none is too large [RETENTION-4]', () => {
  assert(property(apart, integer({ min: 1, max: 5 }), integer({ min: 1, max: 30 }), (ranges, maxRanges, maxRecords) => {
    const slices = [...slicesOf(ranges, maxRanges, maxRecords)];
    expect(seqsOf(slices.flat())).toEqual(seqsOf(ranges));
    for (const slice of slices) expect([slice.length <= maxRanges, seqsOf(slice).length <= maxRecords]).toEqual([true, true]);
  }));
});

test('the first missing text that no later purge names is found, as looking at each record would find it [RETENTION-8]', () => {
  const range = tuple(integer({ min: 1, max: 40 }), integer({ min: 0, max: 10 })).map(([from, length]): SeqRange => [from, from + length]);
  const ledger = array(record({ kind: constantFrom('text', 'gone', 'gone', 'purge'), ranges: array(range, { maxLength: 3 }) }), { maxLength: 40 });
  assert(property(ledger, (records) => {
    const purges = new Purges();
    for (const [at, { kind, ranges }] of records.entries()) {
      if (kind === 'gone') purges.emptied(at + 1);
      else if (kind === 'purge') purges.purge(at + 1, { ranges });
    }
    const isNamed = (seq: number): boolean => records.some(({ kind, ranges }, at) => kind === 'purge' && at + 1 > seq && ranges.some(([from, to]) => from <= seq && seq <= to));
    const first = records.findIndex(({ kind }, at) => kind === 'gone' && !isNamed(at + 1)) + 1;
    expect(purges.fault()?.seq).toBe(first === 0 ? undefined : first);
  }), { numRuns: 500 });
});
