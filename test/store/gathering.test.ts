/** When a commit goes, and when it waits for company. */
import { expect, test } from 'vitest';
import { Gathering } from '../../store/ledger/gathering.ts';

/** One that has learnt that sixteen calls run side by side on a busy event loop. */
function learnt(): Gathering {
  const gathering = new Gathering();
  for (let commit = 0; commit < 12; commit += 1) {
    gathering.worked(0.8);
    gathering.overlapped();
    gathering.enough(16, 16);
    gathering.sent();
  }
  return gathering;
}

test('a call alone never waits, however busy the event loop is', () => {
  const gathering = new Gathering();
  for (let commit = 0; commit < 50; commit += 1) {
    gathering.worked(1);
    expect(gathering.enough(1, 1)).toBe(true);
    gathering.sent();
  }
});

test('with time to spare nobody waits, however many calls run', () => {
  const gathering = learnt();
  for (let commit = 0; commit < 20; commit += 1) gathering.worked(0.05);
  expect(gathering.enough(1, 16)).toBe(true);
});

test('on a busy event loop a commit waits for nearly all calls, also for those that were answered just now', () => {
  const gathering = learnt();
  expect(gathering.enough(14, 14)).toBe(false);
  expect(gathering.enough(15, 15)).toBe(true);
});

test('calls that do not come are not waited for again', () => {
  const gathering = learnt();
  expect(gathering.enough(5, 16)).toBe(false);
  expect(gathering.goOn(5)).toBe(true);
  expect(gathering.goOn(5)).toBe(false);
  gathering.sent();
  expect(gathering.enough(5, 16)).toBe(true);
});
