/** The short version of a case of `npm run faults`, against the sources. */
import { expect, onTestFinished } from 'vitest';
import type { FaultCase } from '../../faults/case.ts';

export async function expectKept(one: FaultCase): Promise<void> {
  const { figure, broken } = await one.run({ quick: true, place: {}, atEnd: (end) => onTestFinished(end) });
  console.log(`${one.name}: ${figure}`);
  expect(broken).toEqual([]);
}
