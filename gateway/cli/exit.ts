/** Exit codes (docs/cli.md has the same table), and the way a command says that it failed. */
import { constants } from 'node:os';

export const EXIT = {
  ok: 0,
  /** It was tried and went wrong: a call failed, a check found something. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was done. */
  usage: 2,
  /** Another gateway holds the data directory. */
  held: 3,
  /** Refused by policy or limits. */
  refused: 4,
} as const;

/** As a shell counts it: 130 after Ctrl-C. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/**
 * A Ctrl-C reaches every process of a terminal, and one that handed over to this one may pass it on as well: what comes
 * within this time of the first is the same wish.
 */
export const SAME_WISH_MS = 500;

/** Ends a command with words for stderr and an exit code; no stack is shown. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
