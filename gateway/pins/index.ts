/** Pins: the lock file and how each tool stands by it. What the rest of the hall uses of this folder. */
export { heldAs } from './held.ts';
export { createJudge } from './judge.ts';
export { pinOf } from './lock-file.ts';
export { LockNotWritten } from './lock-store.ts';
export { createPins, type Pins } from './pins.ts';
export { pinNow, pinsReport, type PinReport, type PinsReport } from './report.ts';
export { isOutdated, recheck } from './recheck.ts';
