/** The configuration: read, validated whole, watched. What others may use of this folder. */
export { loadConfig, parseConfig, defaultConfigPath } from './load.ts';
export type { LoadOptions, LoadResult } from './load.ts';
export { formatProblem, formatProblems } from './problem.ts';
export type { Problem } from './problem.ts';
export { loadDocument, locateIn, type DocumentResult, type PositionOf } from './document.ts';
export type { Report } from './report.ts';
export { didYouMean } from './suggest.ts';
export { parseDuration } from './rate.ts';
export { createSecretSource } from './secrets.ts';
export type { SecretSourceOptions } from './secrets.ts';
export { isLoopbackHost } from './check-listen.ts';
export type { CheckExpression } from './check-policy.ts';
export { watchConfig } from './watch.ts';
export type { ConfigWatch, WatchOptions } from './watch.ts';
