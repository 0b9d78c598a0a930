/** All cases, in the order of the page. */
import { child } from './child.ts';
import type { FaultCase } from './case.ts';
import { clock } from './clock.ts';
import { disk } from './disk.ts';
import { abandoned, idleStreams } from './idle.ts';
import { kill } from './kill.ts';
import { order } from './order.ts';
import { reload } from './reload.ts';
import { stop } from './stop.ts';
import { killAtSync, syncFails } from './sync.ts';
import { upstream } from './upstream.ts';

export const CASES: readonly FaultCase[] = [kill, killAtSync, order, syncFails, disk, child, upstream, clock, stop, reload, idleStreams, abandoned];
