/** How far a call has come, in the upstream's own measure. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}
