/**
 * What redaction leaves behind, recognised again. A text that only looks like it counts too: who reads a record cannot
 * tell it from one that the caller sent.
 */
import type { JsonValue } from '../../core/json.ts';
import { REDACTED } from './text.ts';

const CUT_TEXT = /…\(\d+ bytes\)$/;
const CUT_NUMBER = /^\[number of \d+ characters\]$/;
const CUT_ITEMS = /^…\(\d+ more items\)$/;
export const TOO_DEEP = '[too deep]';
/** The member that stands for those which were left out. */
export const MORE_MEMBERS = '…';

/** Whether a text, or a member's name, may stand for another. */
export const isAltered = (text: string): boolean => text.includes(REDACTED) || CUT_TEXT.test(text) || CUT_NUMBER.test(text) || text === TOO_DEEP;

/** Whether a list may have had more items. */
export const isCutList = (items: readonly JsonValue[]): boolean => {
  const last = items.at(-1);
  return typeof last === 'string' && CUT_ITEMS.test(last);
};
