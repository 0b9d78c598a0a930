/** Checkpoints on their way out of the ledger: to a file, to an address, and into the status. */
export { createRegisterKeeper, signingSeed, type RegisterKeeper, type RegisterStatus } from './keeper.ts';
export { hookOf, type ResolveHook } from './places.ts';
