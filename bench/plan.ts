/** How long a run takes and what it covers: everything that `--quick` changes. */

export interface Plan {
  /** Rounds of each cell of the table of calls, and of the list. */
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly rampMs: number;
  readonly windowMs: number;
  readonly coldStarts: number;
  /** fdatasync of a page, after each measurement at concurrency 1. */
  readonly syncsPerRound: number;
}

/** Four to five minutes. */
export const FULL: Plan = {
  rounds: 5,
  warmUpMs: 2000,
  rampMs: 150,
  windowMs: 1000,
  coldStarts: 5,
  syncsPerRound: 20,
};
/** About a minute: to see that nothing is far off, not to quote. */
export const QUICK: Plan = { rounds: 3, warmUpMs: 800, rampMs: 50, windowMs: 250, coldStarts: 2, syncsPerRound: 10 };

export const CONCURRENCIES = [1, 16, 64] as const;
export const TRANSPORTS = ['http', 'stdio'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Of the list: servers, and tools of each. */
export const SERVERS = 10;
export const TOOLS_EACH = 100;
