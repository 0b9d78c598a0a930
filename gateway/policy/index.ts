/** Policy as code: cases that rules must pass, and drafts over what was recorded. What others may use of this folder. */
export { loadCases, type Cases, type PolicyCase } from './cases.ts';
export { createCaseRunner, type CaseResult } from './test-cases.ts';
export { replay, type Change, type Draft, type Replay, type ReplayOptions, type Undecidable } from './replay.ts';
