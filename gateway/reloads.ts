/** What became of the configurations that came while the gateway ran, for status and metrics. */
export interface ReloadStatus {
  readonly taken: number;
  readonly refused: number;
  /** The newest one was not taken on: since then the file is not what is in force. Epoch milliseconds. */
  readonly problem?: { readonly at: number; readonly message: string };
}

export interface Reloads {
  taken(): void;
  refused(message: string): void;
  /** What is in force is what is configured, again. */
  mended(): void;
  status(): ReloadStatus;
}

export function createReloads(): Reloads {
  let taken = 0;
  let refused = 0;
  let problem: ReloadStatus['problem'];
  return {
    taken() {
      taken += 1;
      problem = undefined;
    },
    refused(message) {
      refused += 1;
      problem = { at: Date.now(), message };
    },
    mended() {
      problem = undefined;
    },
    status: () => ({ taken, refused, ...(problem === undefined ? {} : { problem }) }),
  };
}
