/** The gateway killed with -9 while calls run: what is left, and what is known of them. `npm run faults` kills it 200 times. */
import { test } from 'vitest';
import { kill } from '../../faults/kill.ts';
import { expectKept } from './kept.ts';

test('killed with -9 at random moments under load: all that was executed has an intent, nothing is executed twice, the chain verifies, no process is left [FAULT-1]', { timeout: 120_000 }, () => expectKept(kill));
