import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineReader } from '../../gateway/stdio/lines.ts';

function read(chunks: readonly Buffer[], maxBytes: number): (string | { tooLong: unknown })[] {
  const seen: (string | { tooLong: unknown })[] = [];
  const reader = createLineReader(maxBytes, { line: (bytes) => seen.push(bytes.toString('utf8')), tooLong: (id) => seen.push({ tooLong: id }) });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return seen;
}

/** The same bytes, cut at each of these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, n) => bytes.subarray(n === 0 ? 0 : ends[n - 1], end));
}

describe('lines', () => {
  it('come out the same wherever the stream was cut, multi-byte characters included', () => {
    const line = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => `x${text.replaceAll('\n', ' ')}`);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (lines, places) => {
        const bytes = Buffer.from(lines.join('\n'), 'utf8');
        expect(read(cut(bytes, places), 1000)).toEqual(lines.map((text) => Buffer.from(text, 'utf8').toString('utf8')));
      }),
    );
  });

  it('that are too long are dropped, wherever they were cut, and those around them are not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 101, max: 5000 }), fc.array(fc.nat()), (length, places) => {
        const bytes = Buffer.from(`before\n${'x'.repeat(length)}\nafter`);
        expect(read(cut(bytes, places), 100)).toEqual(['before', { tooLong: undefined }, 'after']);
      }),
    );
  });

  it('of exactly the bound are read', () => {
    expect(read([Buffer.from(`${'x'.repeat(100)}\n${'y'.repeat(101)}\n`)], 100)).toEqual(['x'.repeat(100), { tooLong: undefined }]);
  });

  it.each([
    ['{"jsonrpc":"2.0","id":7,"method":"m","params":{"id":1,"a":"PAD"}}', 7],
    ['{"jsonrpc":"2.0","id":"seven","method":"m","params":{"a":"PAD"}}', 'seven'],
    ['{"method":"m","params":{"id":1,"a":"PAD"},"jsonrpc":"2.0","id":7}', 7],
    ['{"method":"m","params":{"a":"PAD","id":7},"jsonrpc":"2.0"}', undefined],
    ['{"method":"m","params":{"a":"PAD","b":{"id":7}}}', undefined],
    ['[{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"PAD"}}]', undefined],
  ])('that are too long give their id away only where it is certain: %s', (text, id) => {
    expect(read([Buffer.from(text.replace('PAD', 'x'.repeat(5000)))], 1000)).toEqual([{ tooLong: id }]);
  });

  it('that are blank are nobody’s', () => {
    expect(read([Buffer.from('\n \r\n\t\na\n\n')], 10)).toEqual(['a']);
  });
});
