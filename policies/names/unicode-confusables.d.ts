/** The package names its own types wrongly. */
declare module 'unicode-confusables' {
  /** Each character replaced by what it resembles (UTS 39). */
  export function rectifyConfusion(input: string): string;
}
