/** Faults around the gateway: its servers, its configuration, its clock, clients that go away. Longer ones: `npm run faults`. */
import { test } from 'vitest';
import { child } from '../../faults/child.ts';
import { clock } from '../../faults/clock.ts';
import { createClock } from '../../faults/faketime.ts';
import { abandoned, idleStreams } from '../../faults/idle.ts';
import { reload } from '../../faults/reload.ts';
import { stop } from '../../faults/stop.ts';
import { upstream } from '../../faults/upstream.ts';
import { expectKept } from './kept.ts';

/** It is installed where that is allowed: on Debian, as root. */
function canSetClocks(): boolean {
  try {
    createClock({ file: '/dev/null' });
    return true;
  } catch (error) {
    console.warn(`No clock was set: ${(error as Error).message}`);
    return false;
  }
}

const skip = !canSetClocks();

test('SIGTERM under load, and another gateway in its place: clients that try again what was refused have every call answered, and executed once [FAULT-3]', () => expectKept(stop));
test("a stdio server's process killed, stopped for good, or in an endless loop costs its own calls only, and is started anew [FAULT-4]", () => expectKept(child));
test('a server over HTTP that hangs, drips, fails, talks nonsense, sends 1 GB or resets: clear errors, bounded memory, and a breaker that opens and closes [FAULT-6]', () => expectKept(upstream));
test('a configuration written broken, half and fast in a row: calls notice nothing, and the last good one is in force [FAULT-7]', () => expectKept(reload));
test('the clock set a day forward and back: limits, budgets, sessions and records hold [FAULT-8]', { skip }, () => expectKept(clock));
test('streams on which nothing happens are held, and cost nothing once they are closed [FAULT-9]', () => expectKept(idleStreams));
test('sessions that nobody comes back to end, and leave nothing [FAULT-9]', { skip }, () => expectKept(abandoned));
