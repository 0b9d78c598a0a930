/** Results that were cut: kept, read on, and guarded before all. What the rest of the hall uses of this folder. */
export { createGuardPhase, guardedProgress, type Guarded, type GuardPhase } from './guarding.ts';
export { createHeldResults, type HeldResults } from './held.ts';
export { createReadEntry, NO_RESULT, OWN_SERVER } from './tool.ts';
